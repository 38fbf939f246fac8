import type { Scenario } from "../scenario.ts";
import { expect } from "../scenario.ts";
import { sendMail } from "./mail.ts";

export const backgroundWorks: Scenario = {
  name: "background-works",
  title: "background asks before it sends, gets its yes from a worker, and completes in background",
  faults: [{ kind: "background-works" }],
  async run(context) {
    const { stack: { openai } } = context;
    await sendMail(context, "mail", {
      attempts: "background continued, synchronous continued, background completed",
      fallback: null,
    });
    const delivered = openai.webhooks.deliveries.filter(({ status }) => status === 200);
    expect(delivered.length > 0, "the webhook was delivered");
  },
};
