/** `run-jobs`: it can only be woken, and only with the worker secret. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { TestStack } from "../../support/stack.ts";
import { bodyOf, headerValue, json } from "../support/arbitraries.ts";
import { forAllAtOnce } from "../support/fuzz.ts";
import { assertDocumented, see } from "../support/refusals.ts";

export function fuzzRunJobs(theStack: () => TestStack): void {
  const send = (init: RequestInit) => see(fetch(`${theStack().stack.functionsUrl}/run-jobs`, init));

  Deno.test("fuzz: run-jobs without the worker secret is 401, whatever else is sent", async () => {
    const { stack } = theStack();
    const nearlyRight = [stack.workerSecret.slice(0, -1), stack.workerSecret.toUpperCase()];
    const secret = fc.oneof(
      headerValue,
      fc.constantFrom(...nearlyRight, stack.secretKey, stack.webhookSecret),
    );
    const method = fc.constantFrom("POST", "POST", "PUT", "DELETE");
    await forAllAtOnce(
      fc.tuple(secret, bodyOf(json), method),
      300,
      async ([secret, body, method]) => {
        const seen = await send({ method, body, headers: { "x-worker-secret": secret } });
        assert.equal(seen.status, method === "POST" ? 401 : 405, seen.text);
        assertDocumented(seen);
      },
    );
  });

  Deno.test("fuzz: with it, no body does more than wake", async () => {
    const { stack } = theStack();
    await forAllAtOnce(bodyOf(json), 60, async (body) => {
      const headers = { "x-worker-secret": stack.workerSecret };
      const seen = await send({ method: "POST", body, headers });
      assert.equal(seen.status, 202, seen.text);
      assert.deepEqual(Object.keys(JSON.parse(seen.text)), ["worker"]);
    });
  });
}
