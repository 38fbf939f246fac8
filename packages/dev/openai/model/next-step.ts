import { canonical } from "./canonical.ts";
import { type PlanStep, withoutPlan } from "./directive.ts";
import type { DoneCall } from "./done-call.ts";
import type { History } from "./history.ts";
import { findTool, foundEmail, replyArguments, replyTool } from "./mail.ts";
import { plainName } from "./plain-name.ts";
import { type AvailableTool, planFor } from "./plan.ts";
import { searchWords } from "./words.ts";

/** What the model does next. */
export type Step =
  | { kind: "reason"; words: string }
  | {
    kind: "call";
    server: string;
    tool: string;
    arguments: Record<string, unknown>;
    /** The approval request that was answered with yes. */
    approvalRequestId?: string;
  }
  | { kind: "text"; words: string; deltas: number | undefined; final: boolean }
  | { kind: "sleep"; ms: number }
  | { kind: "search"; words: string }
  /** The plan is done: give the answer. */
  | { kind: "answer" };

/** What the model looks at. */
export interface Situation {
  query: string;
  tools: readonly AvailableTool[];
  canSearch: boolean;
  history: History;
}

/**
 * The next step, from the plan that follows from the query and from what the history says is done.
 * Pure: the same situation gives the same step, in whichever run it is asked for.
 *
 * @throws PlanError when the query's script cannot be read
 */
export function nextStep(situation: Situation): Step {
  const { history } = situation;
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
  const plan = planFor(situation.query, situation.tools, situation.canSearch);
  const done = markDone(plan, history);
  for (const [index, step] of plan.entries()) {
    if (done[index] === true) continue;
    const resolved = resolve(step, situation, index === plan.length - 1);
    if (resolved !== undefined) return resolved;
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
    if (step.kind === "find" || step.kind === "reply" || step.kind === "call") {
      const at = pool.findIndex((call) => isCallOf(step, call));
      if (at >= 0) pool.splice(at, 1);
      return at >= 0;
    }
    counts[step.kind] -= 1;
    return counts[step.kind] >= 0;
  });
  // Thoughts and pauses leave no trace in a developer message, and need none: whoever made a later
  // call is past them.
  const lastCall = plan.findLastIndex((step, index) => done[index] === true && isCall(step));
  return done.map((each, index) => each || index < lastCall && !isCall(plan[index]));
}

function isCall(step: PlanStep | undefined): boolean {
  return step?.kind === "find" || step?.kind === "reply" || step?.kind === "call";
}

function isCallOf(step: PlanStep, call: DoneCall): boolean {
  if (step.kind === "find") {
    return plainName(call.tool) === findTool &&
      (step.words === undefined || asRecord(call.arguments)["query"] === step.words);
  }
  if (step.kind === "reply") {
    return plainName(call.tool) === replyTool &&
      (step.body === undefined || asRecord(call.arguments)["body"] === step.body);
  }
  return step.kind === "call" && plainName(call.tool) === plainName(step.tool) &&
    (step.server === undefined || call.server === undefined || call.server === step.server) &&
    canonical(call.arguments) === canonical(step.arguments);
}

/** The step with everything filled in; undefined when it cannot be taken and is passed over. */
function resolve(
  step: PlanStep,
  { query, tools, history }: Situation,
  last: boolean,
): Step | undefined {
  const named = (name: string) => tools.find((tool) => plainName(tool.name) === name);
  const request = withoutPlan(query);
  switch (step.kind) {
    case "find": {
      const at = named(findTool);
      const words = step.words ?? searchWords(request);
      if (at === undefined) return undefined;
      return { kind: "call", server: at.server, tool: at.name, arguments: { query: words } };
    }
    case "reply": {
      const at = named(replyTool);
      const email = foundEmail(history.calls);
      if (at === undefined || email === undefined) return undefined;
      const args = replyArguments(email, request, step.body);
      return { kind: "call", server: at.server, tool: at.name, arguments: args };
    }
    case "call": {
      const at = tools.find((tool) =>
        tool.name === step.tool && (step.server === undefined || tool.server === step.server)
      );
      return at && { kind: "call", server: at.server, tool: at.name, arguments: step.arguments };
    }
    case "reason":
      return { kind: "reason", words: step.words ?? `Working out what to do about: ${request}` };
    case "text":
      return { ...step, final: last };
    default:
      return step;
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
