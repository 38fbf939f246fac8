/** Decides what to do about the calls that a response asks others to make. */
import type { Failure } from "../../model/failure.ts";
import { type Item } from "../../model/items.ts";
import { type LeftCall, leftCallOf, leftKindOf } from "../../model/left-calls.ts";
import type { DoneStep, Work } from "../../model/job.ts";
import { idsOfInput, type RequestBody } from "../../model/request.ts";
import { sha256 } from "../../platform/digest.ts";
import { saysAsk } from "../conditions.ts";
import type { EffectRules } from "../effect-rules.ts";
import { doneCalls } from "../ledger.ts";
import { callKey } from "../step-of-item.ts";
import { reminder, reminderHead, repeatedCall } from "../tool-call-guard.ts";
import { withOwnCallId } from "./call-ids.ts";
import { callAskedAbout, questionId } from "./call-steps.ts";
import type { OwnCall, ReadyCall, RunnableTool } from "./own-call.ts";
import type { RunnableTools } from "./runnable-tools.ts";

/** A call that a response asks for. */
export interface AskedCall {
  item: Item;
  stepId: string;
  /** If it already exists. */
  row?: CallRow;
}

/** A call's row in the ledger. */
interface CallRow {
  number: number;
  attempt: number;
  repeat: number | null;
}

export type Judged =
  | { kind: "make"; call: OwnCall; ready: ReadyCall; tool: RunnableTool }
  /** It is not made, and the model gets the reason. */
  | { kind: "refuse"; call: OwnCall; error: string }
  /** A person is asked first. */
  | { kind: "ask"; call: OwnCall }
  /** The caller makes it. */
  | { kind: "hand_out"; call: OwnCall }
  /** The model insists on a finished call. */
  | { kind: "review"; call: OwnCall; failure: Failure };

/** What is needed to judge calls. */
export interface Rules {
  work: Pick<Work, "id" | "attempt" | "owner_id" | "first_id" | "steps" | "run_since">;
  tools: RunnableTools;
  effects: EffectRules;
  /** The number of the round that asks for them; undefined for calls whose rows have it. */
  round?: number | undefined;
  /** How long a tool's `needsApproval` may take, if not the usual time. */
  conditionMs?: number;
}

/**
 * Judges calls in their order. Nothing here has a side effect, so the next worker may judge again. A person's answer to a
 * question of ours counts for exactly the call that it was about, once.
 */
export async function judgeCalls(asked: AskedCall[], rules: Rules): Promise<Judged[]> {
  const calls: OwnCall[] = [];
  for (const one of asked) calls.push(await callOf(one, calls, rules));
  // All at once, so that several late conditions cost the time of one.
  return await Promise.all(
    calls.map((call, place) => judge(call, place, rules, asked[place]?.row)),
  );
}

async function callOf(
  { item, stepId, row }: AskedCall,
  before: OwnCall[],
  { work, tools, effects, round }: Rules,
): Promise<OwnCall> {
  const left = leftCallOf(item) ?? nothing;
  const { arguments: args } = left;
  // The row has the id that the call got.
  const named = row === undefined
    ? withOwnCallId(item, left, taken(work, before, tools), work.id)
    : item;
  const known = toolOf(left, tools);
  const server = known?.server ?? null;
  const tool = known?.tool ?? left.tool;
  const key = callKey(server ?? "", tool, args);
  const repeat = row?.repeat ?? firstFree(
    work.steps.filter((step) =>
      step.kind === left.kind && step.call_key === key && step.attempt >= work.run_since &&
      step.error === null
    ).map(({ call_repeat }) => call_repeat ?? 0)
      .concat(before.filter((call) => call.callKey === key).map((call) => call.repeat)),
  );
  return {
    key: { id: work.id, attempt: work.attempt },
    ownerId: work.owner_id,
    stepId,
    ...(row === undefined || row.attempt === work.attempt ? {} : { takenFrom: row.attempt }),
    item: named,
    kind: left.kind,
    callId: leftCallOf(named)?.callId ?? left.callId,
    server,
    tool,
    arguments: args,
    callKey: key,
    repeat,
    round,
    effect: known || tools.isCallers(left) ? effects.effectOf(server ?? "", tool) : "none",
    idempotencyKey: await sha256(`${work.first_id}\n${key}\n${repeat}`),
  };
}

/** The ids of the calls of the job that came before, and those in the caller's input. */
function taken(
  { steps }: Pick<Work, "steps">,
  before: OwnCall[],
  { body }: RunnableTools,
): Set<unknown> {
  return new Set([
    ...idsOfInput(body),
    ...steps.flatMap((step) => leftKindOf(step) ? [step.item?.["call_id"]] : []),
    ...before.map(({ callId }) => callId),
  ]);
}

/**
 * After an answered call, the same arguments are another call. After a failed call, they are the same call: nobody knows what
 * a failed call has done, and with the same key the other side can recognize the repeat. If the model asks again after its run
 * was lost, that is the same call too.
 */
function firstFree(taken: number[]): number {
  let free = 0;
  while (taken.includes(free)) free++;
  return free;
}

const nothing: LeftCall = { kind: "function_call", callId: "", tool: "", arguments: "" };

/** We run functions only. */
function toolOf({ kind, tool }: LeftCall, tools: RunnableTools): RunnableTool | undefined {
  return kind === "function_call" ? tools.find(tool) : undefined;
}

async function judge(
  call: OwnCall,
  place: number,
  rules: Rules,
  row: CallRow | undefined,
): Promise<Judged> {
  const { work, tools } = rules;
  const left = leftCallOf(call.item) ?? nothing;
  const refuse = (error: string): Judged => ({ kind: "refuse", call, error });
  if (tools.isCallers(left)) return { kind: "hand_out", call };
  const limit = maxCalls(tools.body);
  if (callsMade(work.steps) + place >= limit) {
    return refuse(
      `Not called: max_tool_calls is ${limit}, and that many calls were made. Answer with what you have`,
    );
  }
  const tool = toolOf(left, tools);
  if (tool === undefined) {
    const what = left.kind === "function_call" ? "function" : "tool";
    return refuse(`There is no ${what} '${left.tool}'`);
  }
  const read = await tool.read(call.arguments);
  if ("error" in read) return refuse(read.error);
  const repeated = repeatOf(call, work);
  if (repeated !== undefined) return repeated;
  // Nobody was asked about a call without a row.
  const answer = row === undefined ? undefined : answerTo(call, row, work.steps);
  if (answer === undefined) {
    const about = { tool: call.tool, job_id: work.id };
    return await saysAsk("needsApproval", () => read.needsApproval(), about, rules.conditionMs)
      ? { kind: "ask", call }
      : { kind: "make", call, ready: read, tool };
  }
  if (answer["approve"] === true) return { kind: "make", call, ready: read, tool };
  const { reason } = answer;
  return refuse(
    `Not called: a person said no${typeof reason === "string" ? `: ${reason}` : ""}`,
  );
}

function maxCalls({ max_tool_calls: limit }: RequestBody): number {
  return typeof limit === "number" ? limit : Infinity;
}

function callsMade(steps: DoneStep[]): number {
  return steps.filter((step) => step.kind === "mcp_call" || leftKindOf(step)).length;
}

/**
 * A `once` call that an earlier run has made: the model is told the first time, then a person decides. Of several equal calls
 * in one response, each is a call of its own: that another one is done says nothing about it. Calls that OpenAI made, and those
 * of a job that this one retries, are not counted, so any of them is taken for this one.
 */
function repeatOf(call: OwnCall, { steps, run_since }: Rules["work"]): Judged | undefined {
  if (call.effect !== "once") return undefined;
  const before = doneCalls(
    steps.filter(({ attempt, call_repeat: repeat }) =>
      attempt < run_since && (repeat ?? call.repeat) === call.repeat
    ),
  ).get(call.callKey);
  if (before === undefined) return undefined;
  const reminded = steps.some(({ kind, call_key, error }) =>
    kind === "function_call" && call_key === call.callKey && error?.startsWith(reminderHead)
  );
  if (!reminded) return { kind: "refuse", call, error: reminder(before) };
  const what = `${call.tool} with the same arguments as step ${before.number}`;
  return {
    kind: "review",
    call,
    failure: repeatedCall(what),
  };
}

/**
 * A person's answer to the question about exactly this call. A call_id does not identify a call, nor does an item's id: an API
 * may use them again. Whoever asks writes the question right before the call's row, or after it if the row was there.
 */
function answerTo({ stepId, arguments: args, tool }: OwnCall, row: CallRow, steps: DoneStep[]) {
  const question = steps.findLast(({ item, number, ...asked }) =>
    item !== null && callAskedAbout(item) !== undefined && item["id"] === questionId(stepId) &&
    number >= row.number - 1 && asked.tool === tool && asked.arguments === args
  );
  return question?.answer ?? undefined;
}
