/** Addresses of images and files: what OpenAI can certainly not download is refused, and nothing else. */
import assert from "node:assert/strict";
import { flawOfAddress } from "../../../supabase/functions/_durable_responses/files/file-address.ts";

for (
  const address of [
    "https://example.com/a.png",
    "http://example.com/a.png",
    "https://example.com:8443/a.png?token=x#y",
    "https://EXAMPLE.com./a.png",
    "https://93.184.215.14/a.png",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/a.png",
    "https://localhost.example.com/a.png",
  ]
) {
  Deno.test(`${address} is accepted`, () => {
    assert.equal(flawOfAddress(address), undefined);
  });
}

for (
  const [address, shown] of [
    ["file:///etc/passwd", "file:"],
    ["ftp://example.com/a.png", "ftp:"],
    ["javascript:alert(1)", "javascript:"],
    ["blob:https://example.com/1", "blob:"],
    ["a.png", '"a.png"'],
    ["", '""'],
    ["http://127.0.0.1/a.png", "127.0.0.1"],
    ["http://2130706433/a.png", "127.0.0.1"],
    ["http://0x7f.1/a.png", "127.0.0.1"],
    ["http://169.254.169.254/latest/meta-data", "169.254.169.254"],
    ["http://[::ffff:169.254.169.254]/", "[::ffff:a9fe:a9fe]"],
    ["https://10.0.0.1/a.png", "10.0.0.1"],
    ["https://[::1]/a.png", "[::1]"],
    ["http://localhost:54321/a.png", "localhost"],
    ["http://kong:8000/storage/a.png", "kong"],
    ["https://metadata.google.internal/a", "metadata.google.internal"],
    ["https://printer.local./a.png", "printer.local."],
  ] as const
) {
  Deno.test(`${address} is refused, with what is wrong`, () => {
    const flaw = flawOfAddress(address) ?? assert.fail("it was accepted");
    assert.ok(flaw.endsWith(`${shown}`), flaw);
  });
}

Deno.test("what follows the host is not repeated: it may be a credential", () => {
  const flaw = flawOfAddress("https://me:secret@10.0.0.1/a.png?token=secret");
  assert.ok(flaw);
  assert.ok(!flaw.includes("secret"), flaw);
});

Deno.test("a server whose own gateway is inside may name a private host, but no metadata service", () => {
  const inside = "http://10.0.0.1/a.png";
  assert.ok(flawOfAddress(inside, "https://gateway.example.com/v1"));
  for (const gateway of ["http://vllm:8000/v1", "http://127.0.0.1:8000/v1"]) {
    assert.equal(flawOfAddress(inside, gateway), undefined);
    assert.ok(flawOfAddress("http://169.254.169.254/", gateway));
  }
});
