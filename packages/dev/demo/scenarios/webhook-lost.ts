import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { sendMail } from "./mail.ts";

export const webhookLost: Scenario = {
  name: "webhook-lost",
  title: "both webhooks of a background run are lost; polling finds its question and its answer",
  hurryCron: true,
  faults: [{ kind: "background-works" }],
  webhookFaults: [{ kind: "lose" }],
  async run(context) {
    const { stack: { openai } } = context;
    await sendMail(context, "mail", {
      attempts: "background continued, synchronous continued, background completed",
      fallback: null,
    });
    expectEqual(openai.webhooks.deliveries.length, 0, "webhooks delivered");
    expect(openai.counts().retrieve > 0, "the response was polled");
  },
};
