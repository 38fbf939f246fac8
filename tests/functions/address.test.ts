/** The address of a call, for each base URL. */
import assert from "node:assert/strict";
import { addressBelow } from "../../supabase/functions/_durable_responses/platform/address.ts";

for (
  const [base, address] of [
    ["https://api.openai.com/v1", "https://api.openai.com/v1/responses/resp%2F1"],
    ["https://api.openai.com/v1/", "https://api.openai.com/v1/responses/resp%2F1"],
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000/responses/resp%2F1"],
    [
      "https://me.openai.azure.com/openai/v1/?api-version=preview",
      "https://me.openai.azure.com/openai/v1/responses/resp%2F1?api-version=preview",
    ],
  ] as const
) {
  Deno.test(`below ${base}`, () => {
    assert.equal(addressBelow(base, "/responses/resp%2F1"), address);
  });
}
