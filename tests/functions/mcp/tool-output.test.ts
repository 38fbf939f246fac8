import assert from "node:assert/strict";
import { AnswerTooLarge } from "../../../supabase/functions/_durable_responses/tools/mcp/server.ts";
import { readResult } from "../../../supabase/functions/_durable_responses/tools/mcp/tool-output.ts";
import { callTool, png } from "./support/trouble-tools.ts";

const said = async (name: string) =>
  readResult(
    await callTool({ name }, [], {
      signal: new AbortController().signal,
      onProgress: () => Promise.resolve(),
    }),
  );

Deno.test("text is text", async () => {
  assert.deepEqual(await said("count"), { text: "call 1", isError: false });
  assert.deepEqual(await said("empty"), { text: "", isError: false });
});

Deno.test("a tool's own error is told as one", async () => {
  assert.deepEqual(await said("fails"), { text: "the printer is on fire", isError: true });
});

Deno.test("structured content is told once, also where the server repeats it as text", async () => {
  assert.deepEqual(await said("structured"), { text: '{"sum":42}', isError: false });
  assert.deepEqual(await said("structured-twice"), { text: '{ "sum": 42 }', isError: false });
  assert.equal(
    readResult({ content: [{ type: "text", text: "{no json" }], structuredContent: { a: 1 } }).text,
    '{no json\n{"a":1}',
  );
});

Deno.test("a picture is one for the model, and named where only text can stand", async () => {
  const url = `data:image/png;base64,${png}`;
  assert.deepEqual(await said("picture"), {
    text: "A dot:\n[picture, 1 kB]",
    isError: false,
    parts: [
      { type: "input_text", text: "A dot:" },
      { type: "input_image", image_url: url, detail: "auto" },
    ],
  });
});

Deno.test("a document is a file; what the model cannot be shown is named", () => {
  const pdf = (uri: string) => ({
    type: "resource",
    resource: { uri, blob: "AAAA", mimeType: "application/pdf" },
  });
  assert.deepEqual(readResult({ content: [pdf("file:///a/b c.pdf")] }).parts, [
    { type: "input_file", filename: "b_c.pdf", file_data: "data:application/pdf;base64,AAAA" },
  ]);
  const odd = readResult({
    content: [
      { type: "audio", data: "AAAA", mimeType: "audio/wav" },
      { type: "image", data: "<svg>", mimeType: "image/png" },
      { type: "image", data: "AAAA", mimeType: "image/svg+xml" },
      { type: "hologram", points: 3 },
      null,
      "text",
    ],
  });
  assert.equal(odd.parts, undefined);
  assert.deepEqual(odd.text.split("\n"), [
    '{"name":"audio","mimeType":"audio/wav","bytes":3,"note":"this kind of data cannot be shown to you"}',
    '{"name":"image","mimeType":"image/png","problem":"its data is not base64"}',
    '{"name":"image","mimeType":"image/svg+xml","bytes":3,"note":"this kind of data cannot be shown to you"}',
    '{"type":"hologram","points":3}',
    "null",
    '"text"',
  ]);
});

Deno.test("resources and links to them are told with their address", async () => {
  assert.equal((await said("resource")).text, "file:///a.txt:\ninside");
  assert.match((await said("link")).text, /"uri":"file:\/\/\/report.txt"/);
});

Deno.test("more than 1 MB of text is too much for a model; of pictures, those that are too large are named", () => {
  const text = (chars: number) => ({ content: [{ type: "text", text: "x".repeat(chars) }] });
  assert.equal(readResult(text(1e6)).text.length, 1e6);
  assert.throws(
    () => readResult(text(3e6)),
    new AnswerTooLarge("the answer has 3 MB of text, and at most 1 can be given to the model"),
  );
  const image = (chars: number) => ({
    type: "image",
    data: "A".repeat(chars),
    mimeType: "image/png",
  });
  const { parts } = readResult({ content: [image(4e5), image(4e5), image(1e5)] });
  assert.deepEqual(parts?.map(({ type }) => type), ["input_image", "input_text", "input_image"]);
  assert.deepEqual(readResult({ content: [image(3e6)] }), {
    text: "[picture, 2251 kB] (too large to be shown)",
    isError: false,
  });
});
