/** The console's server and the stack's gateway against foreign pages: framing, other ports, other names. */
import assert from "node:assert/strict";
import { startConsole } from "../../packages/dev/console/server.ts";
import { createKeys } from "../../packages/dev/auth/keys.ts";
import { startGateway } from "../../packages/dev/gateway/gateway.ts";
import { forFile } from "../support/for-file.ts";
import { launchChromium } from "../console/support/browser.ts";
import { needsBrowser } from "../console/support/console-page.ts";
import { statusUnderName } from "./support/under-name.ts";

const password = "password-of-the-local-user-91c2";

const theWorld = forFile(async (parts) => {
  let reached = 0;
  const project = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    reached++;
    return Response.json({ secret: password });
  });
  parts.defer(() => project.shutdown());
  const server = await startConsole({
    forwards: true,
    config: {
      url: `http://127.0.0.1:${project.addr.port}`,
      publishableKey: "sb_publishable_x",
      development: { email: "dev@example.com", password, secretKey: "sb_secret_x" },
    },
  });
  parts.defer(() => server.stop());
  return { server, reachedProject: () => reached };
});

/** What browsers send with a request from a foreign page. */
const foreign: Record<string, Record<string, string>> = {
  "a script element on another port": {
    "sec-fetch-site": "same-site",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-dest": "script",
  },
  "a script element of another site": {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-dest": "script",
  },
  "a frame": {
    "sec-fetch-site": "same-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "iframe",
  },
  "fetch on another port": { "origin": "http://127.0.0.1:5173", "sec-fetch-site": "same-site" },
  "a page with no origin": { "origin": "null" },
  "an old browser's fetch": { "origin": "https://attacker.example" },
};

for (const [what, headers] of Object.entries(foreign)) {
  Deno.test(`${what} gets neither the config nor anything of the project`, async () => {
    const { server, reachedProject } = theWorld();
    const before = reachedProject();
    for (const path of ["config.js", "rest/v1/response_jobs", "auth/v1/user", ""]) {
      const answer = await fetch(`${server.url}${path}`, { headers });
      assert.equal(answer.status, 403, path);
      assert.ok(!(await answer.text()).includes(password));
    }
    assert.equal(reachedProject(), before);
  });
}

Deno.test("a form of another site is not forwarded, though it navigates", async () => {
  const { server, reachedProject } = theWorld();
  const before = reachedProject();
  const answer = await fetch(`${server.url}functions/v1/respond`, {
    method: "POST",
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    },
    body: "{}",
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 403);
  assert.equal(reachedProject(), before);
});

Deno.test("a socket of another page is not relayed", async () => {
  const { server } = theWorld();
  const answer = await fetch(`${server.url}realtime/v1/websocket`, {
    headers: { origin: "https://attacker.example" },
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 403);
});

Deno.test("a link from anywhere opens the page, which nobody may frame", async () => {
  const { server } = theWorld();
  const answer = await fetch(server.url, {
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    },
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-frame-options"), "DENY");
  assert.equal(answer.headers.get("content-security-policy"), "frame-ancestors 'none'");
});

Deno.test("a name that was rebound to this machine gets nothing, of console and gateway", async () => {
  const { host, port } = new URL(theWorld().server.url);
  const rebound = `attacker.example:${port}`;
  for (const path of ["/", "/config.js", "/rest/v1/response_jobs"]) {
    assert.equal(await statusUnderName(host, rebound, path), 403, path);
  }
  assert.equal(await statusUnderName(host, `localhost:${port}`, "/config.js"), 200);
  const gateway = startGateway({ keys: await createKeys() });
  try {
    const own = new URL(gateway.url);
    const named = `attacker.example:${own.port}`;
    assert.equal(await statusUnderName(own.host, named, "/functions/v1/respond"), 403);
    assert.equal(await statusUnderName(own.host, own.host, "/functions/v1/respond"), 503);
  } finally {
    await gateway.stop();
  }
});

Deno.test({
  name: "in a browser, a page on another port cannot frame the console, nor load its config",
  ...needsBrowser,
  async fn() {
    const { server } = theWorld();
    const page =
      `<iframe src="${server.url}"></iframe><script src="${server.url}config.js"></script>
      <script>document.title = JSON.stringify(window.DURABLE_RESPONSES_CONSOLE ?? null)</script>`;
    const attacker = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response(page, { headers: { "content-type": "text/html" } }),
    );
    const browser = await launchChromium();
    try {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${attacker.addr.port}/`);
      assert.equal(await tab.title(), "null");
      const frames = await Promise.all(tab.frames().map((frame) => frame.content()));
      assert.ok(frames.every((text) => !text.includes("Open a project")), frames.join("\n"));
    } finally {
      await browser.close();
      await attacker.shutdown();
    }
  },
});
