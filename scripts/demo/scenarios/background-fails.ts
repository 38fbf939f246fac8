import type { Scenario } from "../scenario.ts";
import { expectEqual } from "../scenario.ts";
import { sendMail } from "./mail.ts";

export const backgroundFails: Scenario = {
  name: "background-fails",
  title: "background mode fails with an MCP tool, as reported; a synchronous run completes the job",
  async run(context) {
    const { stack: { openai } } = context;
    await sendMail(context, "mail", {
      attempts: "background failed, synchronous completed",
      fallback: "openai_server_error",
    });
    const { create_background, create_stream } = openai.counts();
    expectEqual(
      { create_background, create_stream },
      // The run asks before it replies, and continues when the call is in the ledger.
      { create_background: 1, create_stream: 2 },
      "requests to OpenAI",
    );
  },
};
