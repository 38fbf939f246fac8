/** The client in a real browser: bundled by Vite, signed in with a password, on a different origin than the project. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { launchChromium } from "../console/support/browser.ts";
import { needsBrowser } from "../console/support/console-page.ts";
import { stackForFile } from "../support/stack.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";

const theStack = stackForFile(onClientProfiles);
const query = "Find the latest email about the invoice and reply that it will be paid on Friday";

const html = `<!doctype html><title>Example</title>
${["status", "connection", "tools", "answer", "refused"].map((id) => `<p id="${id}"></p>`).join("")}
<script type="module" src="/page.js"></script>`;

async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL("./support/page.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    root: fileURLToPath(new URL(".", import.meta.url)),
    build: {
      write: false,
      target: "es2022",
      rolldownOptions: { input: entry },
    },
  });
  const [output] = [built].flat();
  if (output === undefined || !("output" in output)) {
    throw new Error("Cannot bundle the page");
  }
  return output.output[0].code;
}

Deno.test({
  name: "a page asks, follows its job live and shows the answer",
  ...needsBrowser,
  async fn() {
    const { stack, user } = theStack();
    const script = await bundle();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) =>
        new URL(request.url).pathname === "/page.js"
          ? new Response(script, {
            headers: { "content-type": "text/javascript" },
          })
          : new Response(html, { headers: { "content-type": "text/html" } }),
    );
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(error.message));
      const { email, password } = user;
      const settings = {
        url: stack.apiUrl,
        key: stack.publishableKey,
        email,
        password,
        query,
      };
      await page.goto(
        `http://127.0.0.1:${server.addr.port}/?${new URLSearchParams(
          settings,
        )}`,
      );
      await page.getByText("completed", { exact: true }).waitFor();
      await page.getByText("Cannot cancel job").waitFor();
      assert.equal(await page.locator("#connection").textContent(), "live");
      assert.match(
        await page.locator("#tools").textContent() ?? "",
        /gmail_reply_to_email: finished$/,
      );
      assert.match(
        await page.locator("#answer").textContent() ?? "",
        /^I found the email/,
      );
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  },
});
