import type { Scenario } from "../scenario.ts";
import { expect } from "../scenario.ts";
import { completed, expectAttempts, expectFallback, expectMailbox, mailQuery } from "./mail.ts";

export const backgroundWorks: Scenario = {
  name: "background-works",
  title: "background asks before it sends, gets its yes from a worker, and completes in background",
  faults: [{ kind: "background-works" }],
  async run(context) {
    const { caller, stack: { openai } } = context;
    const { id } = await caller.ask({ profile: "mail", query: mailQuery });
    const rows = await completed(context, id);
    expectAttempts(rows, id, [
      "background continued",
      "synchronous continued",
      "background completed",
    ]);
    expectFallback(rows, id, null);
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
    const delivered = openai.webhooks.deliveries.filter(({ status }) => status === 200);
    expect(delivered.length > 0, "the webhook was delivered");
  },
};
