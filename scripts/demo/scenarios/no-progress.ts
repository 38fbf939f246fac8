import { attemptsOf, jobOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { mailQuery } from "./mail.ts";

const wallClockMs = 8_000;
/** Duration of a search that takes longer than any worker lives, in ms. */
const endlessMs = 120_000;
/** Enough for two whole lives, and on a busy machine, for some that a slow start shortens. */
const resultMs = 180_000;
const maxAttempts = 8;

export const noProgress: Scenario = {
  name: "no-progress",
  title: "a step longer than a worker's life: two whole lives, then budget_exceeded",
  hurryCron: true,
  wallClockMs: wallClockMs,
  async run(context) {
    const { caller, stack: { mailbox } } = context;
    mailbox.setDelay("gmail_find_email", endlessMs);
    const { id } = await caller.ask({ profile: "mail-sync", query: mailQuery });
    const { status, error } = await caller.result(id, { timeoutMs: resultMs });
    expectEqual([status, error?.code], ["failed", "budget_exceeded"], "end of the job");
    const rows = await context.look();
    expect(jobOf(rows, id).leased_by === null, "no lease is left");
    const ends = attemptsOf(rows, id).map(({ outcome }) => outcome);
    expect(
      ends.length >= 2 && ends.length <= maxAttempts &&
        ends.every((outcome) => outcome === "handed_over"),
      `it was tried on fresh workers until two had given it a whole life: ${ends.join(", ")}`,
    );
    expectEqual(mailbox.sent.length, 0, "emails sent");
  },
};
