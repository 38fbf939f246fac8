/** Plays one scenario, or the default demo, on its own stack. */
import type { StackOptions } from "../../packages/dev/stack.ts";
import { messageOf } from "../../packages/dev/message-of.ts";
import type { Line } from "./timeline/line.ts";
import { nothingSeen, type Report, reportOf } from "./report.ts";
import { NotHeld, type Scenario, type ScenarioContext } from "./scenario.ts";
import { openSession, type Session } from "./session.ts";
import { showEnding, showTitle } from "./show.ts";
import { lineText, type Terminal } from "./timeline/terminal.ts";
import { hurryCron } from "./operator.ts";
import { demoProfiles, type Outside } from "./outside.ts";

/** How long the default demo waits for its answer, in ms: from the stand-in, and from an OpenAI that may take its time. */
const patienceMs = { standIn: 30_000, outside: 15 * 60_000 };
const untilMs = 60_000;
const untilEveryMs = 50;
/** Lease of the scenarios' workers, in s. A dead worker is noticed after this time at the latest. */
const leaseS = 5;

export interface DefaultDemo {
  query: string;
  wallClockMs: number | undefined;
  outside: Outside | undefined;
}

/** The default demo: one request, and everything that happens to it. */
export async function playDefault(demo: DefaultDemo, terminal: Terminal): Promise<Report> {
  const { outside, wallClockMs } = demo;
  showTitle(terminal, "durable-responses", "a request with an MCP tool, in background mode");
  const options: StackOptions = {
    ...outside?.options,
    ...(wallClockMs ? workerLife(wallClockMs, outside?.options.env) : {}),
  };
  return await play(options, terminal, async ({ stack, sql, caller, timeline }) => {
    for (const notice of outside?.notices ?? []) {
      timeline.now({ actor: "demo", tone: "wait", text: notice });
    }
    if (!stack.openai) await hurryCron(sql, timeline);
    const { id } = await caller.ask({ profile: "mail", query: demo.query });
    const timeoutMs = outside ? patienceMs.outside : patienceMs.standIn;
    const { status, error } = await caller.result(id, { timeoutMs });
    if (status !== "completed") {
      throw new NotHeld(`the job ended as ${status}${error ? `: ${error.message}` : ""}`);
    }
  });
}

/** Plays a scenario. `ok` is true if what it shows holds. */
export async function playScenario(scenario: Scenario, terminal: Terminal): Promise<Report> {
  showTitle(terminal, scenario.name, scenario.title);
  const { wallClockMs } = scenario;
  const env = { DURABLE_RESPONSES_LEASE_S: String(leaseS) };
  const options = {
    profiles: demoProfiles,
    env,
    ...(wallClockMs ? workerLife(wallClockMs, env) : {}),
  };
  const report = await play(options, terminal, async (session) => {
    const context = contextOf(session);
    context.stack.openai.faults.set(scenario.faults ?? []);
    context.stack.openai.webhooks.faults.set(scenario.webhookFaults ?? []);
    if (scenario.hurryCron) await hurryCron(session.sql, session.timeline);
    await scenario.run(context);
  });
  return { scenario: scenario.name, ...report };
}

async function play(
  options: StackOptions,
  terminal: Terminal,
  act: (session: Session) => Promise<void>,
): Promise<Report> {
  const show = (line: Line, elapsedMs: number) =>
    terminal.write(lineText(terminal, line, elapsedMs));
  try {
    await using parts = new AsyncDisposableStack();
    const session = await openSession(options, show);
    parts.defer(() => session.stop());
    const reason = await act(session).then(() => undefined, reasonOf);
    const rows = await session.settle();
    const { sent } = session.stack.mailbox;
    const seen = reportOf(rows, session.caller, sent.length);
    const report = { ok: reason === undefined, ...(reason ? { reason } : {}), ...seen };
    showEnding(terminal, report, sent);
    return report;
  } catch (error) {
    // The stack did not start, or its database is gone. There is still a report.
    const report = { ok: false, reason: reasonOf(error), ...nothingSeen };
    showEnding(terminal, report, []);
    return report;
  }
}

/** The life of a worker: for the platform, and for the functions. */
function workerLife(wallClockMs: number, env: Record<string, string> = {}): StackOptions {
  return {
    wallClockMs,
    env: { ...env, DURABLE_RESPONSES_WALL_CLOCK_S: String(wallClockMs / 1000) },
  };
}

function contextOf({ stack, sql, caller, look, timeline }: Session): ScenarioContext {
  const { openai } = stack;
  if (!openai) throw new Error("Cannot play a scenario without the OpenAI stand-in");
  return {
    stack: { ...stack, openai },
    caller,
    sql,
    look,
    note: (line) => timeline.now(line),
    async until(what, find, timeoutMs = untilMs) {
      const end = Date.now() + timeoutMs;
      while (Date.now() < end) {
        const found = await find(await look());
        if (found !== undefined && found !== false) return found;
        await new Promise((resolve) => setTimeout(resolve, untilEveryMs));
      }
      throw new NotHeld(`${what}: not within ${timeoutMs / 1000} s`);
    },
  };
}

/** The reason why it did not hold. An unexpected error is printed with its stack. */
function reasonOf(error: unknown): string {
  if (!(error instanceof NotHeld)) console.error(error);
  return messageOf(error);
}
