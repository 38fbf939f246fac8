import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import { callsOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { killWorker } from "./kill.ts";
import { attemptsKept, completed, expectAttempts, expectMailbox, mailQuery } from "./mail.ts";

/** After the search, the model thinks for a while. There, the worker dies. */
const plan = `[[plan: ${findEmail("invoice")}; reason; sleep 1500ms; ${
  replyToEmail("It will be paid on Friday.")
}]]`;

export const workerKilled: Scenario = {
  name: "worker-killed",
  title: "a worker is killed mid-run: another continues from the saved steps; one email",
  hurryCron: true,
  async run(context) {
    const { caller, until } = context;
    const { id } = await caller.ask({ profile: "mail-sync", query: `${mailQuery} ${plan}` });
    await until(
      "the search is saved as a step",
      (rows) => callsOf(rows, id).some(({ status }) => status === "finished"),
    );
    await killWorker(context);
    const rows = await completed(context, id);
    expectAttempts(rows, id, "synchronous lost, synchronous completed");
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
    const workers = attemptsKept(rows, id).map(({ worker }) => worker);
    expectEqual(new Set(workers).size, 2, "workers that ran it");
    expect(context.stack.openai.openStreams() === 0, "no stream was left open");
  },
};
