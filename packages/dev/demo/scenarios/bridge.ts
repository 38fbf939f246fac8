import type { Scenario } from "../scenario.ts";
import { expect } from "../scenario.ts";
import { sendMail } from "./mail.ts";

export const bridge: Scenario = {
  name: "bridge",
  title: "the worker calls the MCP server itself, so background mode has nothing to fail on",
  async run(context) {
    const { stack: { openai, mailbox } } = context;
    await sendMail(context, "mail-bridge", {
      attempts:
        "background continued, synchronous continued, background continued, synchronous continued, background completed",
      fallback: null,
    });
    const told = JSON.stringify(openai.requests.map(({ body }) => body));
    expect(!told.includes(mailbox.url), "OpenAI was never told the server's address");
  },
};
