/** Which files are taken out of a request, and what replaces them. */
import assert from "node:assert/strict";
import { takeFiles } from "../../../supabase/functions/_durable_responses/files/take-files.ts";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { lengthWithoutLongTexts } from "../../../supabase/functions/_durable_responses/api/http/long-texts.ts";

const owner = "0B3C5A51-7e2f-4c0a-9d30-6a1f1e1c7f01";
const room = 10_000;

const dataOf = (bytes: number, fill: number) =>
  `data:image/png;base64,${btoa(String.fromCharCode(fill).repeat(bytes))}`;
const image = (bytes: number, fill = 1) => ({
  type: "input_image",
  detail: "low",
  image_url: dataOf(bytes, fill),
});

async function take(content: Record<string, unknown>[], spell = (json: string) => json) {
  const input = [{ role: "user", content }];
  const text = spell(JSON.stringify({ input }));
  const bytes = new TextEncoder().encode(text).length;
  const taken = await takeFiles({ input, text, bytes }, { owner, isServer: false }, room);
  const [message] = taken.input;
  assert.ok(Array.isArray(message?.["content"]));
  const parts: Record<string, unknown>[] = message["content"];
  return { ...taken, parts };
}

Deno.test("what fits a row stays as it is", async () => {
  const content = [image(3000), { type: "input_text", text: "What is this?" }];
  const { parts, files } = await take(content);
  assert.deepEqual([parts, files], [content, []]);
});

Deno.test("a large one is a reference by its owner and content, with all else that the part says", async () => {
  const { parts, files, text } = await take([image(30_000)]);
  const [file] = files;
  assert.ok(file);
  assert.match(file.path, /^0b3c5a51-7e2f-4c0a-9d30-6a1f1e1c7f01\/[0-9a-f]{64}\.png$/);
  assert.deepEqual([file.mime, file.bytes.length, files.length], ["image/png", 30_000, 1]);
  const storage = { bucket: "response_files", path: file.path };
  assert.deepEqual(parts, [{ type: "input_image", detail: "low", storage }]);
  assert.ok(text.length < 500 && text.includes(file.path), text);
});

Deno.test("the largest go first, until the rest fits", async () => {
  const { parts, files } = await take([image(3000), image(9000), image(4000), image(2000)]);
  assert.deepEqual(files.map(({ bytes }) => bytes.length), [9000, 4000]);
  assert.deepEqual(parts.map((part) => "storage" in part), [false, true, true, false]);
});

Deno.test("the same one twice is one file and two references", async () => {
  const { parts, files } = await take([image(30_000), image(30_000)]);
  assert.equal(files.length, 1);
  assert.deepEqual(parts[0], parts[1]);
});

Deno.test("a large file keeps its name", async () => {
  const { parts } = await take([{
    type: "input_file",
    filename: "report.pdf",
    file_data: `data:application/pdf;base64,${btoa("x".repeat(30_000))}`,
  }]);
  assert.partialDeepStrictEqual(parts[0], { filename: "report.pdf" });
  assert.ok(!("file_data" in (parts[0] ?? {})));
});

Deno.test("data that is spelled with escapes is the same file", async () => {
  const content = [image(30_000, 255)];
  const plain = await take(content);
  const escaped = await take(content, (json) => json.replaceAll("/", "\\/"));
  assert.deepEqual(plain.files, escaped.files);
});

for (
  const [name, part, at] of [
    ["a reference without a path", { type: "input_image", storage: { bucket: "a" } }, ".storage"],
    ["a reference with more", {
      type: "input_image",
      storage: { bucket: "a", path: "b", c: 1 },
    }, ".storage"],
    ["an empty path", { type: "input_file", storage: { bucket: "a", path: "" } }, ".storage"],
    ["a reference that is a text", { type: "input_file", storage: "a/b" }, ".storage"],
    ["a reference and a file id", {
      type: "input_file",
      file_id: "file-1",
      storage: { bucket: "a", path: "b" },
    }, ""],
    ["data that is not base64", {
      type: "input_image",
      image_url: "data:image/png;base64,?",
    }, ".image_url"],
    ["no content", { type: "input_image", detail: "low" }, ""],
    ["an address as Chat Completions has it", {
      type: "input_image",
      image_url: { url: "https://example.com/a.png" },
    }, ".image_url"],
    ["a file's address that is a number", { type: "input_file", file_url: 1 }, ".file_url"],
  ] as const
) {
  Deno.test(`${name} is refused, and it is said where`, async () => {
    const place = `input[0].content[1]${at}`;
    await assert.rejects(
      take([{ type: "input_text", text: "" }, part]),
      (error) =>
        error instanceof RequestError && error.code === "invalid_request" &&
        error.message.includes(`'${place}'`) && error.param === place,
    );
  });
}

Deno.test("what is too large beside the files is refused", async () => {
  await assert.rejects(
    take([image(30_000), { type: "input_text", text: "x".repeat(room) }]),
    (error) => error instanceof RequestError && error.code === "payload_too_large",
  );
});

Deno.test("a body's length is known without its long texts, and without parsing it", () => {
  const long = "x".repeat(10_000);
  assert.equal(lengthWithoutLongTexts(`{"a":"${long}","b":"c"}`, 1000), 14);
  // An escaped quote does not end a text.
  assert.equal(lengthWithoutLongTexts(`["\\"${long}\\\\","b"]`, 1000), 6);
  assert.ok(lengthWithoutLongTexts("[".repeat(5000), 1000) > 1000);
  assert.ok(lengthWithoutLongTexts(`["a",`.repeat(5000), 1000) > 1000);
  assert.ok(lengthWithoutLongTexts(`["${"x".repeat(5000)}"`, 1000) > 1000);
});
