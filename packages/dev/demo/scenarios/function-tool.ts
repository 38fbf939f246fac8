import { callsOf } from "../observe/rows.ts";
import { expectEqual, type Scenario } from "../scenario.ts";
import { completed, expectAttempts, expectFallback } from "./mail.ts";
import { openShop, rowsIn } from "./shop.ts";

const query =
  'What does it cost to send order A7, 3 kg? Then send it. [[plan: call quote_shipping {"kg":3}; reason; call send_parcel {"order":"A7"}]]';

export const functionTool: Scenario = {
  name: "function-tool",
  title:
    "the profile's own functions as tools: the run stays in background, each call is in the ledger first; one parcel",
  async run(context) {
    await openShop(context);
    const { id } = await context.caller.ask({ profile: "shop", query });
    const rows = await completed(context, id);
    expectFallback(rows, id, null);
    expectAttempts(
      rows,
      id,
      "background continued, synchronous continued, background continued, synchronous continued, background completed",
    );
    expectEqual(
      callsOf(rows, id).map(({ tool, status, effect }) => `${tool} ${status} ${effect}`),
      ["quote_shipping finished none", "send_parcel finished once"],
      "calls on the ledger",
    );
    expectEqual(await rowsIn(context, "parcels"), 1, "parcels");
  },
};
