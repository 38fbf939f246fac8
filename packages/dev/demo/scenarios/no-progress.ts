import { attemptsOf, jobOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { MAIL_QUERY } from "./mail.ts";

const WALL_CLOCK_MS = 4_000;
/** A search that takes longer than any worker lives, ms. */
const ENDLESS_MS = 120_000;
/** Two whole lives, and on a busy machine some that a slow start cut short. */
const RESULT_MS = 60_000;
const MAX_ATTEMPTS = 8;

export const noProgress: Scenario = {
  name: "no-progress",
  title: "a step that no worker lives long enough for: two whole lives, then budget_exceeded",
  hurryCron: true,
  wallClockMs: WALL_CLOCK_MS,
  async run(context) {
    const { caller, stack: { mailbox } } = context;
    mailbox.setDelay("gmail_find_email", ENDLESS_MS);
    const { id } = await caller.ask({ profile: "mail-sync", query: MAIL_QUERY });
    const { status, error } = await caller.result(id, { timeoutMs: RESULT_MS });
    expectEqual([status, error?.code], ["failed", "budget_exceeded"], "end of the job");
    const rows = await context.look();
    expect(jobOf(rows, id).leased_by === null, "no lease is left");
    const ends = attemptsOf(rows, id).map(({ outcome }) => outcome);
    expect(
      ends.length >= 2 && ends.length <= MAX_ATTEMPTS &&
        ends.every((outcome) => outcome === "handed_over"),
      `it was tried on fresh workers until two had given it a whole life: ${ends.join(", ")}`,
    );
    expectEqual(mailbox.sent.length, 0, "e-mails sent");
  },
};
