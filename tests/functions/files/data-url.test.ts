/** Which images and files are accepted as data, and why others are refused. */
import assert from "node:assert/strict";
import { contentOf } from "../../../supabase/functions/_durable_responses/files/data-url.ts";

const png = "iVBORw0KGgo=";
const image = (image_url: string) => contentOf({ type: "input_image", image_url });
const file = (file_data: string, filename?: string) =>
  contentOf({ type: "input_file", file_data, ...(filename && { filename }) });

for (
  const [name, content, mime, extension] of [
    ["an image", image(`data:image/png;base64,${png}`), "image/png", "png"],
    ["a type in capitals", image(`DATA:Image/JPEG;Base64,${png}`), "image/jpeg", "jpg"],
    ["settings of a type", image(`data:image/webp;a=b;base64,${png}`), "image/webp", "webp"],
    ["a document", file(`data:application/pdf;base64,${png}`), "application/pdf", "pdf"],
    ["a type that nobody knows", file(`data:a/b+c;base64,${png}`), "a/b+c", "bin"],
    ["plain base64 with a name", file(png, "Report.PDF"), "application/pdf", "pdf"],
    ["plain base64 without", file(png), "application/octet-stream", "bin"],
  ] as const
) {
  Deno.test(`${name} is taken`, () => {
    assert.ok("bytes" in content, JSON.stringify(content));
    assert.deepEqual([content.mime, content.extension], [mime, extension]);
    assert.deepEqual([...content.bytes], [137, 80, 78, 71, 13, 10, 26, 10]);
  });
}

for (
  const [name, content, flaw] of [
    ["no data", image("data:image/png;base64,"), /empty/],
    ["no comma", image(`data:image/png;base64${png}`), /no comma/],
    ["a sign that is not base64", image("data:image/png;base64,iVBO*w0K"), /not base64/],
    ["base64 that is cut", image("data:image/png;base64,iVBOR"), /not base64/],
    ["base64 of addresses", image("data:image/png;base64,_-_-"), /not base64/],
    ["a line break", image("data:image/png;base64,iVBO\nRw0K"), /not base64/],
    ["text", image("data:image/svg+xml,<svg/>"), /must be base64/],
    ["an image that OpenAI does not read", image(`data:image/heic;base64,${png}`), /image\/heic/],
    ["a document as an image", image(`data:application/pdf;base64,${png}`), /application\/pdf/],
    ["no type", image(`data:;base64,${png}`), /image\/png/],
    ["a type that is none", file(`data:pdf;base64,${png}`), /'pdf'/],
  ] as const
) {
  Deno.test(`${name} is refused, and it is said why`, () => {
    assert.ok("flaw" in content);
    assert.match(content.flaw, flaw);
  });
}

Deno.test("ten megabytes cost little CPU", () => {
  const data = new Uint8Array(10_000_000).fill(7);
  const text = `data:image/png;base64,${btoa(String.fromCharCode(7).repeat(10_000_000))}`;
  const before = performance.now();
  const content = image(text);
  const ms = performance.now() - before;
  assert.ok("bytes" in content);
  assert.equal(content.bytes.length, data.length);
  // A loop over the bytes would take more than a second. Decoding takes 15 ms on a quiet machine.
  assert.ok(ms < 500, `${ms} ms`);
});
