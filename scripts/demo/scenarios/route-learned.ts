import { findEmail } from "../../../packages/dev/mcp/mailbox.ts";
import { attemptsOf, jobOf } from "../observe/rows.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { expect, expectEqual } from "../scenario.ts";
import { completed, expectFallback } from "./mail.ts";

const failures = 2;

export const routeLearned: Scenario = {
  name: "route-learned",
  title: "after repeated background failures, new jobs skip it; a probe finds that it works again",
  async run(context) {
    const { sql, stack: { openai }, until, note } = context;
    await sql`
      update public.response_settings set breaker_failures = ${failures} where only_row`;
    note({
      actor: "operator",
      tone: "note",
      text: `response_settings: breaker_failures ${failures}`,
    });
    for (let n = 1; n <= failures; n++) await ask(context, n, "openai_server_error");
    await until(
      "the breaker is open",
      ({ routes }) => routes.some(({ breaker }) => breaker === "open"),
    );
    const tried = openai.counts().create_background;
    await ask(context, failures + 1, "background_skipped");
    expectEqual(
      openai.counts().create_background,
      tried,
      "background tries while the breaker is open",
    );

    openai.faults.set([{ kind: "background-works" }]);
    note({ actor: "OpenAI", tone: "note", text: "background works again from here on" });
    // Not with a short probe_interval_s, which could pass on a busy machine before the job that skips background is accepted.
    await sql`update public.response_routes set probe_at = now() where breaker = 'open'`;
    note({ actor: "operator", tone: "note", text: "response_routes: probe_at now, not in 300 s" });
    await until(
      "it is time for a probe",
      ({ routes }) => routes.some(({ probe_at }) => probe_at !== null && probe_at <= Date.now()),
    );
    await ask(context, failures + 2, null);
    await until(
      "the breaker is closed",
      ({ routes }) => routes.every(({ breaker }) => breaker === "closed"),
    );
    await ask(context, failures + 3, null);
  },
};

/** Asks for something quick, waits for the answer, and checks why the job fell back. */
async function ask(context: ScenarioContext, n: number, fallback: string | null): Promise<void> {
  const query = `Find the email about the invoice [[plan: ${
    findEmail("invoice")
  }; text Here it is.]]`;
  const { id } = await context.caller.ask({ profile: "mail", query, label: `job ${n}` });
  const rows = await completed(context, id);
  expectFallback(rows, id, fallback);
  const background = attemptsOf(rows, id).some(({ mode }) => mode === "background");
  expect(
    background === (fallback !== "background_skipped"),
    `${jobOf(rows, id).id} ${background ? "tried" : "did not try"} background`,
  );
}
