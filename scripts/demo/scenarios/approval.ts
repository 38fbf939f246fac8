import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import { callsOf, jobOf, type Rows } from "../observe/rows.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { completed, expectMailbox, mailQuery } from "./mail.ts";

const reason = "Not before the goods have arrived";
const refused = `${mailQuery} [[plan: ${findEmail("invoice")}; ${
  replyToEmail("It will be paid on Friday.")
}; text I have not replied: the invoice is not to be paid before the goods have arrived.]]`;

export const approval: Scenario = {
  name: "approval",
  title:
    "an approval: no worker waits for it; a yes continues the run, a no is passed on to the model",
  async run(context) {
    const { caller, stack: { mailbox, openai } } = context;
    const yes = await untilAsked(context, mailQuery, "job 1");
    await caller.approve(yes, { approve: true });
    await completed(context, yes);
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });

    const no = await untilAsked(context, refused, "job 2");
    await caller.approve(no, { approve: false, reason });
    const rows = await completed(context, no);
    expectEqual(mailbox.sent.length, 1, "emails after the no");
    const told = openai.requests.at(-1)?.body;
    expect(JSON.stringify(told).includes(reason), "the model was told the no and its reason");
    expect(Boolean(answerOf(rows, no)), "the no is recorded with who and when");
  },
};

/** Asks, and waits until the job waits for a person. */
async function untilAsked(
  context: ScenarioContext,
  query: string,
  label: string,
): Promise<string> {
  const { caller, until, stack: { edge, mailbox, openai } } = context;
  const sentBefore = mailbox.sent.length;
  const { id } = await caller.ask({ profile: "mail-approval", query, label });
  const rows = await until(
    "the job awaits approval",
    (rows) => jobOf(rows, id).status === "awaiting_approval" && rows,
  );
  expect(jobOf(rows, id).leased_by === null, "no lease while it waits");
  await until("no worker is held", () =>
    openai.openStreams() === 0 &&
    edge.workers().every((worker) => worker.function !== "run-jobs" || worker.pending === 0));
  expectEqual(mailbox.sent.length, sentBefore, "emails before the yes");
  expect(
    callsOf(rows, id).every(({ tool }) => tool !== "gmail_reply_to_email"),
    "no reply before the yes",
  );
  return id;
}

function answerOf({ steps }: Rows, id: string): unknown {
  return steps.find((step) =>
    step.job_id === id && step.answered_at !== null && step.answer?.["approve"] === false
  );
}
