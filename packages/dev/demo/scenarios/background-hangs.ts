import type { Scenario } from "../scenario.ts";
import { expect } from "../scenario.ts";
import { completed, expectAttempts, expectFallback, expectMailbox, mailQuery } from "./mail.ts";

export const backgroundHangs: Scenario = {
  name: "background-hangs",
  title: "stuck in progress past its budget: cancelled at OpenAI, then run synchronously",
  hurryCron: true,
  faults: [{ kind: "stuck-in-progress" }],
  async run(context) {
    const { caller, stack: { openai } } = context;
    const { id } = await caller.ask({ profile: "mail-impatient", query: mailQuery });
    const rows = await completed(context, id);
    expectAttempts(rows, id, ["background failed", "synchronous completed"]);
    expectFallback(rows, id, "background_stuck");
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
    const posts = openai.requests.filter(({ method }) => method === "POST").map(({ path }) => path);
    const cancelled = posts.findIndex((path) => path.endsWith("/cancel"));
    expect(
      cancelled > 0 && cancelled < posts.lastIndexOf("/v1/responses"),
      "it was cancelled at OpenAI before it was run again",
    );
  },
};
