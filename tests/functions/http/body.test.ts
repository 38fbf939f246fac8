/** Bodies as they come in over HTTP: with a length, in parts, and not at all. */
import assert from "node:assert/strict";
import {
  maxBodyBytes,
  readText,
} from "../../../supabase/functions/_durable_responses/api/http/body.ts";
import { answering } from "../../../supabase/functions/_durable_responses/api/http/reply.ts";
import { isLong } from "../../support/long.ts";

/** A server that answers with how many characters it has read. */
function startReader() {
  const handler = answering(async (request) => new Response(`${(await readText(request)).length}`));
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  const { port } = server.addr;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function post(url: string, body: BodyInit, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: "POST", body, headers });
  return { status: answer.status, text: await answer.text() };
}

const inParts = (...parts: string[]) =>
  ReadableStream.from(parts.map((part) => new TextEncoder().encode(part)));

Deno.test("a body is the same text with a length and in parts, whatever is cut in two", async () => {
  await using server = startReader();
  const text = "\u00e4\u{1f600}".repeat(1000);
  const bytes = new TextEncoder().encode(text);
  const cut = ReadableStream.from([bytes.slice(0, 3), bytes.slice(3)]);
  for (const body of [text, cut]) {
    assert.deepEqual(await post(server.url, body), { status: 200, text: `${text.length}` });
  }
});

Deno.test("a body that is too large is refused by its length, and in parts by what has come", async () => {
  await using server = startReader();
  const large = "x".repeat(maxBodyBytes + 1);
  for (const body of [large, inParts(large)]) {
    const { status, text } = await post(server.url, body);
    assert.deepEqual([status, JSON.parse(text).error.code], [413, "payload_too_large"]);
  }
});

Deno.test("a length beside parts is not believed: they are counted", async () => {
  const headers = { "content-length": "10", "transfer-encoding": "chunked" };
  const body = inParts("x".repeat(maxBodyBytes), "x");
  const request = new Request("http://localhost/", { method: "POST", headers, body });
  await assert.rejects(readText(request), { code: "payload_too_large" });
});

Deno.test("an empty body is an empty text", async () => {
  await using server = startReader();
  assert.deepEqual(await post(server.url, ""), { status: 200, text: "0" });
});

Deno.test({
  name: "a body that has a length and does not arrive is given up after 10 s",
  ignore: !isLong,
  async fn() {
    await using server = startReader();
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{";
    await socket.write(new TextEncoder().encode(head));
    let answer = "";
    for await (const part of socket.readable.pipeThrough(new TextDecoderStream())) {
      answer += part;
      if (answer.endsWith("}")) break;
    }
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /not all of its 100 bytes did/);
  },
});
