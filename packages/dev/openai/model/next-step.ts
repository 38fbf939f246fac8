import type { ListedTool } from "../request/items.ts";
import type { LeftCallType } from "../request/left-calls.ts";
import { exampleOf } from "./answer.ts";
import { canonical } from "./canonical.ts";
import type { DoneCall } from "./done-call.ts";
import type { History } from "./history.ts";
import type { PlanStep } from "./plan.ts";

/** A tool that the model may use, and where it is. */
export interface AvailableTool extends Pick<ListedTool, "name" | "input_schema"> {
  server: string;
  /** The type of its calls, if whoever asks makes them. */
  call?: LeftCallType;
}

/** What the model does next. */
export type Step =
  | Exclude<PlanStep, { kind: "call" | "text" }>
  | {
    kind: "call";
    server: string;
    tool: string;
    arguments: Record<string, unknown>;
    /** The type of the call, if whoever asks makes it. */
    call?: LeftCallType | undefined;
    /** The approval request that was answered with yes. */
    approvalRequestId?: string;
  }
  | { kind: "text"; words: string; deltas: number | undefined; final: boolean }
  /** The plan is done: give the answer. */
  | { kind: "answer" };

/** What the model looks at. */
export interface Situation {
  plan: readonly PlanStep[];
  tools: readonly AvailableTool[];
  history: History;
}

/**
 * The next step of the plan, from what the history says is done. A call of a tool that is not offered is passed over. Pure: the
 * same situation gives the same step, in whichever run it is asked for.
 */
export function nextStep({ plan, tools, history }: Situation): Step {
  const approved = history.approved[0];
  if (approved !== undefined) {
    return {
      kind: "call",
      server: approved.server,
      tool: approved.tool,
      arguments: asRecord(approved.arguments),
      approvalRequestId: approved.requestId,
    };
  }
  const done = markDone(plan, history);
  for (const [index, step] of plan.entries()) {
    if (done[index] === true) continue;
    if (step.kind === "text") return { ...step, final: index === plan.length - 1 };
    if (step.kind !== "call") return step;
    const at = tools.find((tool) =>
      plainName(tool.name) === plainName(step.tool) &&
      (step.server === undefined || tool.server === step.server)
    );
    if (at !== undefined) {
      const args = step.arguments ?? asRecord(exampleOf(asRecord(at.input_schema)));
      return { kind: "call", server: at.server, tool: at.name, arguments: args, call: at.call };
    }
  }
  return { kind: "answer" };
}

function markDone(plan: readonly PlanStep[], history: History): boolean[] {
  const pool = [...history.calls];
  const counts = {
    reason: history.reasons,
    text: history.texts.length,
    sleep: history.sleeps,
    search: history.searches,
  };
  const done = plan.map((step) => {
    if (step.kind === "call") {
      const at = pool.findIndex((call) => isCallOf(step, call));
      if (at >= 0) pool.splice(at, 1);
      return at >= 0;
    }
    counts[step.kind] -= 1;
    return counts[step.kind] >= 0;
  });
  // Thoughts and pauses leave no trace in a developer message, and need none: whoever made a later
  // call is past them.
  const lastCall = plan.findLastIndex(({ kind }, index) => done[index] === true && kind === "call");
  return done.map((each, index) => each || index < lastCall && plan[index]?.kind !== "call");
}

function isCallOf(step: Extract<PlanStep, { kind: "call" }>, call: DoneCall): boolean {
  return plainName(call.tool) === plainName(step.tool) &&
    (step.server === undefined || call.server === undefined || call.server === step.server) &&
    (step.arguments === undefined || canonical(call.arguments) === canonical(step.arguments));
}

/**
 * A tool's name without what stands in front of it: an MCP server whose tools are offered as functions puts its label and two
 * underscores there, and a plan names the same tool either way.
 */
function plainName(tool: string): string {
  return tool.split("__").at(-1) ?? tool;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
