import { unexplained } from "../errors.ts";
import { newId } from "../ids.ts";
import { answerFor } from "../model/answer.ts";
import { callersOwn, type History, queryOf, readHistory } from "../model/history.ts";
import { nextStep, type Step } from "../model/next-step.ts";
import { outcomeOf } from "../model/records.ts";
import { wait } from "../wait.ts";
import type { RunEnv } from "./env.ts";
import { RunFailure } from "./failure.ts";
import type { Run } from "./run.ts";
import { askForCall } from "./steps/ask-for-call.ts";
import { callTool } from "./steps/call-tool.ts";
import { message } from "./steps/message.ts";
import { manyPieces, pieces } from "./steps/pieces.ts";
import { reason } from "./steps/reason.ts";
import { search } from "./steps/search.ts";
import type { Toolbox } from "./toolbox.ts";

const charactersPerToken = 4;

/** How the model's part of a run ended. */
export interface Ending {
  status: "completed" | "incomplete";
  reason?: "max_output_tokens" | "content_filter";
}

/** Takes step after step until the answer is given or a person has to be asked. */
export async function runModel(run: Run, env: RunEnv, toolbox: Toolbox): Promise<Ending> {
  const query = queryOf(run.input);
  const history = readHistory(run.input);
  const situation = {
    plan: env.plans.stepsFor(query, run.request.tool_choice),
    history,
    tools: toolbox.available(run),
  };
  // Calls that are left to whoever asks: the response ends with them.
  let asked = 0;
  for (;;) {
    const step = nextStep(situation);
    if (asked > 0 && !mayComeAlong(run, env, step, toolbox)) return { status: "completed" };
    await wait(step.kind === "sleep" ? step.ms : env.timings.stepMs, run.signal);
    const last = step.kind === "answer" || step.kind === "text" && step.final;
    if (last) failAfterTools(env);
    if (last) return await answer(run, env, step, query, history);
    if (step.kind === "call" && !env.faults.approval && mustAsk(step, toolbox)) {
      askApproval(run, step);
      history.calls.push({ server: step.server, tool: step.tool, arguments: step.arguments });
      asked += 1;
      continue;
    }
    if (step.kind === "call" && step.server === callersOwn) {
      await askForCall(run, env, step);
      history.calls.push({ server: step.server, tool: step.tool, arguments: step.arguments });
      asked += 1;
      continue;
    }
    await take(run, env, toolbox, step, history);
  }
}

/** Takes a step that is not the last, and notes it in the history. */
async function take(
  run: Run,
  env: RunEnv,
  toolbox: Toolbox,
  step: Step,
  history: History,
): Promise<void> {
  switch (step.kind) {
    case "reason":
      await reason(run, env, step.words);
      history.reasons += 1;
      return;
    case "search":
      await search(run, env, step.words);
      history.searches += 1;
      return;
    case "sleep":
      history.sleeps += 1;
      return;
    case "text": {
      const deltas = deltasOf(step);
      await message(run, env, deltas);
      history.texts.push(deltas.join(""));
      return;
    }
    case "call": {
      const item = await callTool(run, env, toolbox.connection(step.server), {
        tool: step.tool,
        arguments: step.arguments,
        approvalRequestId: step.approvalRequestId,
      });
      history.approved = history.approved.filter((call) =>
        call.requestId !== step.approvalRequestId
      );
      history.calls.push({
        server: step.server,
        tool: step.tool,
        arguments: step.arguments,
        ...outcomeOf(item),
      });
    }
  }
}

/** A function call may stand beside other calls; one request for approval is made at a time. */
function mayComeAlong(
  { request, response }: Run,
  { faults }: RunEnv,
  step: Step,
  toolbox: Toolbox,
): boolean {
  if (step.kind !== "call") return false;
  if (request.parallel_tool_calls === false && !faults.parallel) return false;
  if (step.server === callersOwn) return true;
  return mustAsk(step, toolbox) &&
    !response.output.some(({ type }) => type === "mcp_approval_request");
}

function mustAsk(step: Extract<Step, { kind: "call" }>, toolbox: Toolbox): boolean {
  return step.server !== callersOwn && step.approvalRequestId === undefined &&
    toolbox.needsApproval(step.server, step.tool);
}

/** The response ends with the question; the answer comes as the input of another. */
function askApproval(run: Run, step: Extract<Step, { kind: "call" }>): void {
  const item = {
    type: "mcp_approval_request",
    id: newId("mcpr"),
    name: step.tool,
    server_label: step.server,
    arguments: JSON.stringify(step.arguments),
  } as const;
  run.closeItem(run.openItem(item), item);
}

/** The fault fails-after-tools strikes here: every tool has run, only the answer is missing. */
function failAfterTools(env: RunEnv): void {
  const { outcome } = env.faults;
  if (outcome?.kind !== "fails-after-tools") return;
  throw new RunFailure(
    outcome.code ?? "server_error",
    outcome.message ?? unexplained(newId("wfr")),
  );
}

async function answer(
  run: Run,
  env: RunEnv,
  step: Step,
  query: string,
  history: History,
): Promise<Ending> {
  const deltas = step.kind === "text"
    ? deltasOf(step)
    : pieces(answerFor(query, history.calls, run.request.text?.format), 1);
  const { outcome } = env.faults;
  if (outcome?.kind === "incomplete") {
    await message(run, env, deltas.slice(0, Math.floor(deltas.length / 2)), "incomplete");
    return { status: "incomplete", reason: outcome.reason ?? "max_output_tokens" };
  }
  const limit = (run.request.max_output_tokens ?? Infinity) * charactersPerToken;
  if (deltas.join("").length > limit) {
    const cut = pieces(deltas.join("").slice(0, limit), 1);
    await message(run, env, cut, "incomplete");
    return { status: "incomplete", reason: "max_output_tokens" };
  }
  await message(run, env, deltas);
  return { status: "completed" };
}

function deltasOf(step: Extract<Step, { kind: "text" }>): string[] {
  return step.deltas === undefined ? pieces(step.words, 1) : manyPieces(step.deltas);
}
