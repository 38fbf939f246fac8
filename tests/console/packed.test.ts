/** The console as npm would publish it, served as its README says: each of its pages finds all that it loads. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Hono } from "hono";
import { serveStatic } from "hono/deno";
import { installOffline, packInto } from "../packages/support/packed.ts";
import { consoleForFile, needsBrowser } from "./support/console-page.ts";

const theConsole = consoleForFile(30);

Deno.test(
  "the packed console loads nothing that is missing, and reports no error",
  needsBrowser,
  async () => {
    const { stack, user, browser, newest } = theConsole();
    const folder = await Deno.makeTempDir({ prefix: "packed-console-" });
    const name = "durable-responses-console";
    await installOffline(folder, await packInto(folder, [name]), []);
    const config = {
      url: stack.apiUrl,
      publishableKey: stack.publishableKey,
      development: { email: user.email, password: user.password, secretKey: stack.secretKey },
    };
    const app = new Hono().basePath("/console");
    app.get(
      "/config.js",
      ({ body }) =>
        body(`window.DURABLE_RESPONSES_CONSOLE = ${JSON.stringify(config)};`, 200, {
          "content-type": "text/javascript",
        }),
    );
    app.use(
      "*",
      serveStatic({
        root: join(folder, "node_modules", name, "dist"),
        rewriteRequestPath: (path) => path.replace(/^\/console/, ""),
      }),
    );
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
    const context = await browser.newContext();
    const page = await context.newPage();
    const faults: string[] = [];
    let loaded = 0;
    page.on("response", (response) => {
      loaded++;
      if (response.status() >= 400) {
        faults.push(`${response.status()} ${response.url()}`);
      }
    });
    page.on("requestfailed", (request) => {
      // What the page itself gives up, such as a long poll, has not failed.
      const why = request.failure()?.errorText ?? "";
      if (why !== "net::ERR_ABORTED") faults.push(`${why} ${request.url()}`);
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    try {
      await page.goto(`http://127.0.0.1:${server.addr.port}/console/`);
      await page.getByRole("button", { name: "Open with the secret key" }).click();
      for (
        const [path, ready] of [
          ["/", ".row"],
          ["/health", ".chart svg"],
          ["/new", "textarea"],
          [`/jobs/${await newest("completed")}`, ".picture"],
        ] as const
      ) {
        await page.evaluate((path) => location.hash = path, path);
        await page.locator(ready).first().waitFor();
      }
      await page.waitForLoadState("networkidle");
      assert.deepEqual(faults, []);
      assert.ok(loaded > 5, `${loaded} files were loaded`);
    } finally {
      await context.close();
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
