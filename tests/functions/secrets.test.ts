import assert from "node:assert/strict";
import { sameSecret, sha256 } from "../../supabase/functions/_durable_responses/platform/digest.ts";

Deno.test("only the same secret is the same", async () => {
  assert.ok(await sameSecret("a secret", "a secret"));
  for (const given of ["", "a secre", "a secret ", "A secret"]) {
    assert.ok(!await sameSecret(given, "a secret"), given);
  }
});

Deno.test("sha256 is the standard one, in hex", async () => {
  const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(await sha256("abc"), known);
});
