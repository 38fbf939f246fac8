/** What a function sees of the world. */
import assert from "node:assert/strict";
import { fixtures, withEdge } from "./support/edge.ts";

Deno.test("a function sees its request as it was sent, below its own name", async () => {
  await withEdge({}, async (edge) => {
    const request = new Request("http://localhost/echo/a%20b?c=d", {
      method: "POST",
      headers: { authorization: "Bearer x", "content-length": "5", "x-own": "1" },
      body: "hello",
    });
    const seen = await (await edge.fetch("echo", request)).json();
    assert.equal(seen.method, "POST");
    assert.equal(seen.path, "/echo/a%20b");
    assert.equal(seen.search, "?c=d");
    assert.equal(seen.body, "hello");
    assert.equal(seen.headers.authorization, "Bearer x");
    assert.equal(seen.headers["x-own"], "1");
    assert.equal(seen.headers["content-length"], "5");
  });
});

Deno.test("a function's environment is what the runtime was given, and nothing of this process", async () => {
  Deno.env.set("SECRET_OF_THIS_PROCESS", "1");
  await withEdge({ env: { GIVEN: "yes" } }, async (edge) => {
    const { env } = await (await edge.get("echo", "/")).json();
    assert.equal(env.GIVEN, "yes");
    assert.match(env.SB_EXECUTION_ID, /^[0-9a-f-]{36}$/);
    const own = ["SECRET_OF_THIS_PROCESS", "HOME", "DENO_DIR", "EDGE_WORKER_CONTROL", "NO_COLOR"];
    assert.deepEqual(own.filter((name) => name in env), []);
  });
  Deno.env.delete("SECRET_OF_THIS_PROCESS");
});

Deno.test("packages resolve from node_modules, and a shared module can be replaced", async () => {
  await withEdge({}, async (edge) => {
    const seen = await (await edge.get("echo", "/")).json();
    assert.equal(seen.zod, "function");
    assert.equal(seen.greeting, "hello");
  });
  const replace = {
    [`${fixtures}/functions/_shared/greeting.ts`]: `${fixtures}/greeting-replaced.ts`,
  };
  await withEdge({ replace }, async (edge) => {
    const seen = await (await edge.get("echo", "/")).json();
    assert.equal(seen.greeting, "good evening");
  });
});

Deno.test("a function cannot write files", async () => {
  await withEdge({}, async (edge) => {
    const response = await edge.get("life", "/write-file");
    assert.equal(response.status, 500);
    await response.body?.cancel();
    await edge.logged(/NotCapable/);
  });
});

Deno.test("what a function prints is logged under its name", async () => {
  const events: string[] = [];
  const onLog = (event: { source: string; line: string }) =>
    events.push(`${event.source}: ${event.line}`);
  await withEdge({ onLog }, async (edge) => {
    await edge.text("life", "/background?ms=1");
    await edge.restart("life");
  });
  assert.ok(events.some((event) => event.startsWith("life: booted (time: ")));
  assert.ok(events.some((event) => event.startsWith("life: beforeunload termination")));
  assert.ok(events.some((event) => event.startsWith("life: shutdown (reason: termination")));
});

Deno.test("a stream's pieces arrive as they are written", async () => {
  await withEdge({}, async (edge) => {
    const response = await edge.get("life", "/stream?ms=60000");
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader?.read())?.value, "data: first\n\n");
    await reader?.cancel();
  });
});
