import { callsOf, jobOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { killWorker } from "./kill.ts";
import { attemptsKept, completed, expectMailbox, mailQuery } from "./mail.ts";

/** How long the mailbox takes to send, in ms: enough to kill the worker meanwhile. */
const sendingMs = 1_200;

export const uncertainSend: Scenario = {
  name: "uncertain-send",
  title:
    "a worker is killed while an email is being sent: a person says what happened; no second email",
  hurryCron: true,
  async run(context) {
    const { caller, stack: { mailbox }, until, note } = context;
    mailbox.setDelay("gmail_reply_to_email", sendingMs);
    const { id } = await caller.ask({ profile: "mail-sync", query: mailQuery });
    await until(
      "the email is being sent",
      () => mailbox.toolCalls.some(({ tool }) => tool === "gmail_reply_to_email"),
    );
    await until(
      "the call is in the ledger",
      (rows) =>
        callsOf(rows, id).some(({ tool, status }) =>
          tool === "gmail_reply_to_email" && status === "started"
        ),
    );
    await killWorker(context);
    const held = await until(
      "the job needs a review",
      (rows) => jobOf(rows, id).status === "needs_review" && rows,
    );
    expectEqual(
      callsOf(held, id).at(-1)?.status,
      "uncertain",
      "status of the call in the ledger",
    );
    expect(jobOf(held, id).leased_by === null, "no worker holds the job");
    expectEqual(mailbox.sent.length, 1, "emails that really left");
    note({
      actor: "person",
      tone: "note",
      text: "looks into the mailbox's Sent folder: the email is there",
    });
    await caller.resolve(id, { outcome: "happened" });
    const rows = await completed(context, id);
    const ends = attemptsKept(rows, id).map(({ outcome }) => outcome);
    expectEqual([ends[0], ends.at(-1)], ["suspended", "completed"], "first and last run");
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
  },
};
