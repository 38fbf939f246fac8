import type { Scenario } from "../scenario.ts";
import { expectEqual } from "../scenario.ts";
import { completed, expectAttempts, expectFallback, expectMailbox, mailQuery } from "./mail.ts";

export const backgroundFails: Scenario = {
  name: "background-fails",
  title: "background with an MCP tool fails as in the field; run synchronously, it comes back",
  async run(context) {
    const { caller, stack: { openai } } = context;
    const { id } = await caller.ask({ profile: "mail", query: mailQuery });
    const rows = await completed(context, id);
    expectAttempts(rows, id, ["background failed", "synchronous completed"]);
    expectFallback(rows, id, "openai_server_error");
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
    const { create_background, create_stream } = openai.counts();
    expectEqual(
      { create_background, create_stream },
      // The run asks before it replies, and goes on when the ledger says so.
      { create_background: 1, create_stream: 2 },
      "requests to OpenAI",
    );
  },
};
