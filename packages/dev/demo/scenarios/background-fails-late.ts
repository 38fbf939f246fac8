import type { Scenario } from "../scenario.ts";
import { completed, expectAttempts, expectFallback, expectMailbox, mailQuery } from "./mail.ts";

export const backgroundFailsLate: Scenario = {
  name: "background-fails-late",
  title: "background fails after its tools ran; the run continues after them: one e-mail",
  faults: [{ kind: "fails-after-tools", match: { background: true } }],
  async run(context) {
    const { id } = await context.caller.ask({ profile: "mail", query: mailQuery });
    const rows = await completed(context, id);
    expectAttempts(rows, id, [
      "background continued",
      "synchronous continued",
      "background failed",
      "synchronous completed",
    ]);
    expectFallback(rows, id, "openai_server_error");
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
  },
};
