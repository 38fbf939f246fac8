import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import { expectEqual, type Scenario } from "../scenario.ts";
import { jobOf } from "../observe/rows.ts";
import { completed, expectMailbox, mailQuery } from "./mail.ts";
import { openShop, rowsIn } from "./shop.ts";

const refund = (euro: number) =>
  `Pay back ${euro} euro for order A7. [[plan: call refund {"order":"A7","euro":${euro}}]]`;

export const argumentApproval: Scenario = {
  name: "argument-approval",
  title:
    "approval by arguments: a person is asked about 80 euros, not about 20, for our own functions and for an MCP server",
  async run(context) {
    await openShop(context);
    const { caller, until, stack: { openai } } = context;
    const small = await caller.ask({ profile: "shop", query: refund(20), label: "20 euro" });
    await completed(context, small.id);
    expectEqual(await rowsIn(context, "refunds"), 1, "refunds that nobody was asked about");

    const large = await caller.ask({ profile: "shop", query: refund(80), label: "80 euro" });
    await until(
      "a person is asked",
      (rows) => jobOf(rows, large.id).status === "awaiting_approval",
    );
    expectEqual(await rowsIn(context, "refunds"), 1, "refunds before the yes");
    await caller.approve(large.id, { approve: true });
    await completed(context, large.id);
    expectEqual(await rowsIn(context, "refunds"), 2, "refunds after the yes");

    openai.faults.set([{ kind: "background-works" }]);
    const plan = (body: string) =>
      `${mailQuery} [[plan: ${findEmail("invoice")}; ${replyToEmail(body)}]]`;
    const kind = await caller.ask({
      profile: "mail-money",
      query: plan("Thank you."),
      label: "thanks",
    });
    await completed(context, kind.id);
    expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
    const money = await caller.ask({
      profile: "mail-money",
      query: plan("We pay 80 euro."),
      label: "money",
    });
    await until(
      "a person is asked",
      (rows) => jobOf(rows, money.id).status === "awaiting_approval",
    );
    await caller.approve(money.id, { approve: true });
    await completed(context, money.id);
    expectMailbox(context, { finds: 2, replies: 2, emails: 2 });
  },
};
