import type { Scenario } from "../scenario.ts";
import { sendMail } from "./mail.ts";

export const backgroundFailsLate: Scenario = {
  name: "background-fails-late",
  title: "background fails after its tools ran; a synchronous run continues from there: one email",
  faults: [{ kind: "fails-after-tools", match: { background: true } }],
  async run(context) {
    await sendMail(context, "mail", {
      attempts:
        "background continued, synchronous continued, background failed, synchronous completed",
      fallback: "openai_server_error",
    });
  },
};
