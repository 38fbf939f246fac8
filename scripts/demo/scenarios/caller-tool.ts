import { expect, expectEqual, type Scenario } from "../scenario.ts";
import { completed, expectFallback, resultMs } from "./mail.ts";

const query =
  'What is on this parcel, and what does it cost to send 3 kg? [[plan: call scan_label {}; call quote_shipping {"kg":3}]]';

export const callerTool: Scenario = {
  name: "caller-tool",
  title:
    "a call is handed to the caller: no worker waits, the clock stops, and the run continues with the output",
  async run(context) {
    const { caller } = context;
    const { id } = await caller.ask({ profile: "shop-caller", query });
    const job = await caller.result(id, {
      timeoutMs: resultMs,
      until: ({ status }) => status === "awaiting_tool_output",
    });
    const [call, ...more] = job.waiting ?? [];
    expect(typeof call?.call_id === "string" && more.length === 0, "one call is handed out");
    expectEqual(job.deadline, null, "the deadline while the caller is asked");
    await caller.toolOutput(id, { callId: call.call_id ?? "", output: "Order A7, fragile" });
    const rows = await completed(context, id);
    expectFallback(rows, id, null);
    expect(
      (await caller.result(id, { timeoutMs: resultMs })).output_text?.includes("fragile") ?? false,
      "the answer has what the caller has read",
    );
  },
};
