import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import { attemptsOf, callsOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { completed, expectMailbox, mailQuery } from "./mail.ts";

const wallClockMs = 3_500;
const searchCount = 9;
/**
 * Before each search, the model thinks three times, 0.25 s each, so that a worker whose time is up reaches the end of an item
 * and need not cut one off. Thoughts at the end of a run are repeated.
 */
const steps = Array.from(
  { length: searchCount },
  (_, n) => `reason x3; ${findEmail(`invoice ${n + 1}`)}`,
);
const plan = `[[plan: ${steps.join("; ")}; ${
  replyToEmail("It will be paid on Friday.")
}; text Done.]]`;

export const outlivesWorker: Scenario = {
  name: "outlives-worker",
  title: "a run that outlives three workers completes, and sends one email",
  wallClockMs: wallClockMs,
  async run(context) {
    const { caller, stack: { mailbox } } = context;
    const { id } = await caller.ask({ profile: "mail-sync", query: `${mailQuery} ${plan}` });
    const rows = await completed(context, id);
    const attempts = attemptsOf(rows, id);
    const [first] = attempts;
    const last = attempts.at(-1);
    const tookMs = (last?.finished_at ?? 0) - (first?.started_at ?? 0);
    expect(tookMs >= 3 * wallClockMs, `it took three lives of a worker: ${tookMs} ms`);
    expect(attempts.length >= 3, `three workers or more ran it: ${attempts.length} runs`);
    expect(
      attempts.slice(0, -1).every(({ outcome }) => outcome === "handed_over"),
      `each worker handed over: ${attempts.map(({ outcome }) => outcome).join(", ")}`,
    );
    const calls = mailbox.toolCalls.map(({ arguments: args }) => JSON.stringify(args));
    expectEqual(new Set(calls).size, searchCount + 1, "different calls among those made");
    // A search only reads, so one that the end of a worker cuts off is made again.
    const again = calls.length - searchCount - 1;
    expect(again < attempts.length, `few calls were made again: ${again}`);
    expectMailbox(context, { finds: searchCount + again, replies: 1, emails: 1 });
    expectEqual(
      callsOf(rows, id).filter(({ status }) => status === "finished").length,
      searchCount + 1,
      "calls in the ledger",
    );
  },
};
