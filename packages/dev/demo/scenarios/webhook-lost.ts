import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { completed, expectAttempts, expectFallback, expectMailbox, mailQuery } from "./mail.ts";

export const webhookLost: Scenario = {
  name: "webhook-lost",
  title: "background asks and completes, its webhooks are lost; polling finds both",
  hurryCron: true,
  faults: [{ kind: "background-works" }],
  webhookFaults: [{ kind: "lose" }],
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
    expectEqual(openai.webhooks.deliveries.length, 0, "webhooks delivered");
    expect(openai.counts().retrieve > 0, "the response was polled");
  },
};
