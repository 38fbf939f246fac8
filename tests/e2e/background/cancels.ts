/** A cancelled job is cancelled at OpenAI too, at once or by the next worker. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { callsFor, handedOver } from "./at-openai.ts";

export function testUpstreamCancels(theStack: () => TestStack): void {
  const isPending = async (id: string) =>
    (await readAttempts(theStack().sql, id))[0]?.cancel_pending;

  /** Until the first try is recorded, a worker that is woken finds nothing due. */
  const isPendingAfterWake = async (id: string) => {
    await theStack().wake();
    return await isPending(id);
  };

  Deno.test("what OpenAI does not cancel at once is cancelled by the next worker", async () => {
    const { ask, openai } = theStack();
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    openai.faults.set([{ kind: "server-error", match: { endpoint: "cancel" }, times: 1 }]);
    const { body } = await ask({ method: "POST", path: `/${id}/cancel` });
    assert.equal(body.status, "cancelled");
    const tries = () => callsFor(theStack(), responseId, "/cancel");
    await eventually("the first try", tries, (count) => count === 1);
    assert.equal(await isPending(id), true);
    await eventually(
      "the second try",
      () => isPendingAfterWake(id),
      (pending) => pending === false,
      {
        everyMs: 200,
      },
    );
    assert.equal(tries(), 2);
  });

  Deno.test("a function that dies before it could cancel: the next worker does", async () => {
    const { ask, openai, stack } = theStack();
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    openai.faults.set([{ kind: "slow", ms: 60_000, match: { endpoint: "cancel" }, times: 1 }]);
    const { body } = await ask({ method: "POST", path: `/${id}/cancel` });
    assert.equal(body.status, "cancelled");
    const tries = () => callsFor(theStack(), responseId, "/cancel");
    await eventually("the first try", tries, (count) => count === 1);
    await stack.edge.kill("respond");
    openai.faults.clear();
    assert.equal(await isPending(id), true);
    await eventually(
      "the second try",
      () => isPendingAfterWake(id),
      (pending) => pending === false,
      {
        everyMs: 200,
      },
    );
    assert.equal(tries(), 2);
  });

  Deno.test("a job that is cancelled while OpenAI accepts leaves no response behind", async () => {
    const { ask, openai, submit, fresh, sql } = theStack();
    openai.faults.set([
      { kind: "slow", ms: 500, match: { endpoint: "create" }, times: 1 },
      { kind: "stuck-in-progress", times: 1 },
    ]);
    const before = openai.counts().create;
    const profile = fresh("plain");
    const accepted = submit(profile, "hi");
    await eventually("the create", () => openai.counts().create, (creates) => creates > before);
    const [row] = await sql<{ id: string }[]>`
      select id from public.response_jobs where profile = ${profile}`;
    const id = row?.id ?? "";
    assert.equal((await ask({ method: "POST", path: `/${id}/cancel` })).status, 200);
    assert.equal((await accepted).status, 202);
    openai.faults.clear();
    const [attempt] = await eventually(
      "the cancel of the orphan",
      () => readAttempts(sql, id),
      ([attempt]) => attempt?.response_id !== null && attempt?.cancel_pending === false,
    );
    assert.equal(callsFor(theStack(), attempt?.response_id ?? "", "/cancel"), 1);
  });
}
