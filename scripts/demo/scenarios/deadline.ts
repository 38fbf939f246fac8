import { attemptsOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { mailQuery, resultMs } from "./mail.ts";

export const deadline: Scenario = {
  name: "deadline",
  title: "a job past its deadline fails with a clear code, and is cancelled at OpenAI",
  hurryCron: true,
  faults: [{ kind: "stuck-in-progress" }],
  async run(context) {
    const { caller, stack: { mailbox, openai }, until } = context;
    const { id } = await caller.ask({ profile: "mail-deadline", query: mailQuery });
    const { status, error } = await caller.result(id, { timeoutMs: resultMs });
    expectEqual([status, error?.code], ["failed", "deadline_exceeded"], "end of the job");
    await until(
      "OpenAI has confirmed the cancel",
      (rows) => attemptsOf(rows, id).every(({ cancel_pending }) => !cancel_pending),
    );
    expect(openai.counts().cancel > 0, "it was cancelled at OpenAI");
    expectEqual(openai.activeRuns(), 0, "runs that go on at OpenAI");
    expectEqual(mailbox.sent.length, 0, "emails sent");
  },
};
