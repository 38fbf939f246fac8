import { callsOf, jobOf } from "../observe/rows.ts";
import { expect, expectEqual, type Scenario, type ScenarioContext } from "../scenario.ts";
import { killWorker } from "./kill.ts";
import { completed } from "./mail.ts";
import { openShop, rowsIn } from "./shop.ts";

const plan = (thinks: string) =>
  `Order a lamp. [[plan: reason; ${thinks}call place_order {"item":"lamp"}; sleep 1500ms]]`;

export const sqlTool: Scenario = {
  name: "sql-tool",
  title:
    "a Postgres function as a tool: the worker is killed before, during and after the call; exactly one row each time, and nobody is asked",
  hurryCron: true,
  async run(context) {
    await openShop(context);
    const { openai } = context.stack;
    await killed(
      context,
      "before the call",
      plan("sleep 1500ms; "),
      (id) =>
        context.until(
          "the model thinks",
          (rows) => rows.steps.some(({ job_id, kind }) => job_id === id && kind === "reasoning"),
        ),
    );
    await killed(
      context,
      "in the call",
      plan(""),
      () =>
        context.until("the function runs", async () => {
          const running = await context.sql`
          select from pg_stat_activity where query like '%run_sql_tool%' and wait_event = 'PgSleep'`;
          return running.length > 0;
        }),
    );
    await killed(
      context,
      "after the call",
      plan(""),
      (id) =>
        context.until(
          "the call is done",
          (rows) =>
            callsOf(rows, id).some(({ status }) => status === "finished") &&
            openai.openStreams() > 0,
        ),
    );
  },
};

/** One job, whose worker is killed at one point. */
async function killed(
  context: ScenarioContext,
  label: string,
  query: string,
  reached: (id: string) => Promise<unknown>,
): Promise<void> {
  const before = await rowsIn(context, "orders");
  const { id } = await context.caller.ask({ profile: "shop-sync", query, label });
  await reached(id);
  await killWorker(context);
  const rows = await completed(context, id);
  expectEqual(await rowsIn(context, "orders") - before, 1, `orders of the job killed ${label}`);
  expect(
    rows.attempts.every(({ job_id, outcome }) => job_id !== id || outcome !== "suspended"),
    "nobody was asked",
  );
  expectEqual(jobOf(rows, id).status, "completed", "status");
}
