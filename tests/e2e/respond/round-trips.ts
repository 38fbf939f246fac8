/** What a request costs the database: one round trip before OpenAI is called, and one after. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { eventually } from "../../support/eventually.ts";
import type { TestStack } from "../../support/stack.ts";

const cases: [string, Fault[], RegExp][] = [
  ["is accepted", [{ kind: "stuck-queued" }], /record_background_response$/],
  ["is refused for good", [{ kind: "http-error", status: 400 }], /fail_response_job$/],
  ["falls back", [{ kind: "background-unsupported" }], /fall_back_response_job$/],
];

export function testRoundTrips(theStack: () => TestStack): void {
  for (const [name, faults, second] of cases) {
    Deno.test(`a query that ${name} takes two database round trips`, async () => {
      const { submit, fresh, openai, proxy } = theStack();
      // Nothing else may use the database, because other workers would be counted too.
      await workersRest(theStack());
      openai.faults.set(faults);
      proxy.paths.length = 0;
      // The worker that a fallback wakes must wait, so that it is not counted.
      proxy.intercept = (path) => path.endsWith("/run-jobs") ? Response.json({}) : undefined;
      try {
        const { status } = await submit(fresh("plain"), "hi");
        assert.ok(status === 200 || status === 202);
        // A running response is recorded after the caller's answer.
        await workersRest(theStack());
        const calls = proxy.paths.filter((path) => path.startsWith("/rest/"));
        assert.equal(calls.length, 2, calls.join("\n"));
        assert.match(calls[0] ?? "", /submit_response_job$/);
        assert.match(calls[1] ?? "", second);
      } finally {
        proxy.intercept = undefined;
        openai.faults.clear();
      }
    });
  }
}

async function workersRest({ stack }: TestStack): Promise<void> {
  await eventually(
    "the rest of all workers",
    () => stack.edge.workers(),
    (workers) => workers.every(({ pending }) => pending === 0),
  );
}
