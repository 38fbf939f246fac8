/** The console as npm would publish it, served as its README says: each of its pages finds all that it loads. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Hono } from "hono";
import { serveStatic } from "hono/deno";
import { installOffline, packInto } from "../packages/support/packed.ts";
import { consoleForFile, needsBrowser } from "./support/console-page.ts";

const theConsole = consoleForFile(30);
const name = "durable-responses-console";

/** Serves the folder below /console, with a config.js for the stack. */
function serve(folder: string) {
  const { stack, user } = theConsole();
  const config = {
    url: stack.apiUrl,
    publishableKey: stack.publishableKey,
    development: { email: user.email, password: user.password, secretKey: stack.secretKey },
  };
  const script = `window.DURABLE_RESPONSES_CONSOLE = ${JSON.stringify(config)};`;
  const app = new Hono().basePath("/console");
  app.get(
    "/config.js",
    (context) => context.body(script, 200, { "content-type": "text/javascript" }),
  );
  const rewriteRequestPath = (path: string) => path.replace(/^\/console/, "");
  app.use("*", serveStatic({ root: folder, rewriteRequestPath }));
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
}

/** Opens each page of the console in that folder. @returns what the browser could not load, and what it complained of */
async function faultsIn(folder: string): Promise<string[]> {
  const { browser, newest } = theConsole();
  const faults: string[] = [];
  const server = serve(folder);
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    // What the page itself gives up, such as a list that nobody looks at any more, has not failed.
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
    return faults;
  } finally {
    await context.close();
    await server.shutdown();
  }
}

Deno.test(
  "the packed console loads nothing that is missing, and reports no error",
  needsBrowser,
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "packed-console-" });
    try {
      await installOffline(folder, await packInto(folder, [name]), []);
      const dist = join(folder, "node_modules", name, "dist");
      assert.deepEqual(await faultsIn(dist), []);
      const assets = [...Deno.readDirSync(join(dist, "assets"))].map(({ name }) => name).sort();
      const font = assets.find((asset) => asset.endsWith(".woff2"));
      assert.ok(font, assets.join(", "));
      await Deno.remove(join(dist, "assets", font));
      assert.match(
        (await faultsIn(dist)).join("\n"),
        new RegExp(`^404 .*${RegExp.escape(font)}$`, "m"),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
