import type { Scenario } from "../scenario.ts";
import { expect } from "../scenario.ts";
import { sendMail } from "./mail.ts";

export const backgroundHangs: Scenario = {
  name: "background-hangs",
  title: "background is stuck past its budget: cancelled at OpenAI, then run synchronously",
  hurryCron: true,
  faults: [{ kind: "stuck-in-progress" }],
  async run(context) {
    const { stack: { openai } } = context;
    await sendMail(context, "mail-impatient", {
      attempts: "background failed, synchronous completed",
      fallback: "background_stuck",
    });
    const posts = openai.requests.filter(({ method }) => method === "POST").map(({ path }) => path);
    const cancelled = posts.findIndex((path) => path.endsWith("/cancel"));
    expect(
      cancelled > 0 && cancelled < posts.lastIndexOf("/v1/responses"),
      "it was cancelled at OpenAI before it was run again",
    );
  },
};
