/** The console's server in `npm run dev` and `npm run console`. */
import assert from "node:assert/strict";
import { type ConsoleServer, startConsole } from "../../packages/dev/console/server.ts";

const config = { url: "https://project.example", publishableKey: "sb_publishable_x" };

async function withConsole(
  options: Parameters<typeof startConsole>[0],
  run: (server: ConsoleServer) => Promise<void>,
): Promise<void> {
  const server = await startConsole(options);
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

Deno.test("it serves the page, and a config.js with the project", () =>
  withConsole({ config }, async ({ url }) => {
    const page = await fetch(url);
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(await page.text(), /<title>Durable responses<\/title>/);
    const script = await (await fetch(`${url}config.js`)).text();
    assert.ok(script.includes(JSON.stringify(config)), script);
  }));

Deno.test("a port that is taken gives way to a free one", () =>
  withConsole(
    { config },
    (first) =>
      withConsole({ config, port: Number(new URL(first.url).port) }, async (second) => {
        assert.notEqual(second.url, first.url);
        const answer = await fetch(second.url);
        await answer.body?.cancel();
        assert.equal(answer.status, 200);
      }),
  ));

Deno.test("calls that are passed on look as if a server had made them", async () => {
  const seen: { url: string; headers: Headers }[] = [];
  const project = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    seen.push({ url: request.url, headers: new Headers(request.headers) });
    return Response.json({ ok: true }, { status: 202, headers: { "content-range": "0-1/7" } });
  });
  const url = `http://127.0.0.1:${project.addr.port}`;
  try {
    await withConsole({ config: { ...config, url }, forwards: true }, async (server) => {
      const script = await (await fetch(`${server.url}config.js`)).text();
      assert.ok(
        script.includes(new URL(server.url).origin),
        "the page calls the console's own address",
      );
      const answer = await fetch(`${server.url}rest/v1/response_jobs?select=id`, {
        method: "POST",
        headers: {
          "apikey": "sb_secret_x",
          "user-agent": "Mozilla/5.0",
          "origin": new URL(server.url).origin,
          "sec-fetch-site": "same-origin",
        },
        body: "{}",
      });
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.get("content-range"), "0-1/7");
      assert.deepEqual(await answer.json(), { ok: true });
    });
    const [request] = seen;
    assert.equal(request?.url, `${url}/rest/v1/response_jobs?select=id`);
    assert.equal(request?.headers.get("apikey"), "sb_secret_x");
    assert.doesNotMatch(request?.headers.get("user-agent") ?? "", /Mozilla/);
    assert.equal(request?.headers.get("origin"), null);
  } finally {
    await project.shutdown();
  }
});
