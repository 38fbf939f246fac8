/** Bodies as they come in over HTTP: with a length, in parts, and not at all. */
import assert from "node:assert/strict";
import {
  maxBodyBytes,
  readJson,
  readText,
} from "../../../supabase/functions/_durable_responses/api/http/body.ts";
import { answering } from "../../../supabase/functions/_durable_responses/api/http/reply.ts";
import { requireMethod } from "../../../supabase/functions/_durable_responses/api/http/method.ts";
import * as z from "../../../supabase/functions/_durable_responses/model/zod.ts";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
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
    const { code, message } = JSON.parse(text).error;
    assert.deepEqual([status, code], [413, "payload_too_large"]);
    const [, allowed, seen] = /at most (\d+) bytes.* but has at least (\d+)$/.exec(message) ?? [];
    assert.equal(Number(allowed), maxBodyBytes);
    assert.equal(Number(seen), large.length);
  }
});

const schema = z.strictObject({
  query: z.optional(z.string()),
  profile: z.optional(z.string().check(z.maxLength(4))),
  list: z.optional(z.array(z.string()).check(z.minLength(2))),
  wait: z.optional(z.number().check(z.maximum(300))),
});

/** What the refusal of a body says: what is wrong, what is allowed, what came, and which fields there are. */
const unfit: [body: string, code: string, message: RegExp, hint: RegExp][] = [
  ["", "invalid_json", /it must be JSON, but it is empty$/, /JSON object such as/],
  ["{query:1}", "invalid_json", /it must be JSON: .*position 1/, /JSON object such as/],
  [
    "[1]",
    "invalid_request",
    /the body: it must be an object, but is a list$/,
    /may have the fields query, profile, list, wait$/,
  ],
  [
    '{"queri":"x"}',
    "invalid_request",
    /'queri': there is no such field$/,
    /may have the fields query, profile, list, wait$/,
  ],
  ['{"query":7}', "invalid_request", /'query': it must be a string, but is 7$/, /fields/],
  [
    '{"profile":"abcde"}',
    "invalid_request",
    /'profile': it must have at most 4 characters, but has 5$/,
    /fields/,
  ],
  [
    '{"list":["a"]}',
    "invalid_request",
    /'list': it must have at least 2 entries, but has 1$/,
    /fields/,
  ],
  ['{"wait":301}', "invalid_request", /'wait': it must be at most 300, but is 301$/, /fields/],
  ['{"query":"a\\u0000"}', "invalid_request", /a NUL character/, /without that/],
];

for (const [body, code, message, hint] of unfit) {
  Deno.test(`the body ${body.slice(0, 20) || "(empty)"} is refused with the rule, the value and the fix`, async () => {
    const request = new Request("http://localhost/", { method: "POST", body });
    const error = await readJson(request, schema).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  });
}

Deno.test("a method that is not allowed is named with those that are", () => {
  const request = new Request("http://localhost/", { method: "PUT" });
  assert.throws(() => requireMethod(request, "GET", "DELETE"), {
    message: "Cannot PUT here: it must be GET or DELETE",
    hint: "Send the request with GET or DELETE",
    allow: "GET, DELETE",
  });
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
