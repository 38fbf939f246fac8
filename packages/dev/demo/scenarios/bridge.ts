import { jobOf } from "../observe/rows.ts";
import type { Scenario } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { completed, expectAttempts, expectFallback, expectMailbox, mailQuery } from "./mail.ts";

export const bridge: Scenario = {
  name: "bridge",
  title:
    "background and an external MCP server, called by the worker: OpenAI has nothing to fail at",
  async run(context) {
    const { caller, stack: { openai, mailbox } } = context;
    const { id } = await caller.ask({ profile: "mail-bridge", query: mailQuery });
    const rows = await completed(context, id);
    expectAttempts(rows, id, [
      "background continued",
      "synchronous continued",
      "background continued",
      "synchronous continued",
      "background completed",
    ]);
    expectFallback(rows, id, null);
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
    expectEqual(jobOf(rows, id).status, "completed", "status");
    const told = JSON.stringify(openai.requests.map(({ body }) => body));
    expect(!told.includes(mailbox.url), "OpenAI was never told the server's address");
  },
};
