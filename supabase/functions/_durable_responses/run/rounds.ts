/** The rounds of a run: what one round leaves to the next, and all of them as one response. */
import { isApprovalRequest, type Item } from "../model/items.ts";
import { isLeftCall, leftKindOf } from "../model/left-calls.ts";
import type { DoneStep, Work } from "../model/job.ts";
import type { ApprovalAnswer } from "../model/step.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { EffectRules } from "../tools/effect-rules.ts";
import { functionsLabel } from "../tools/own/call-steps.ts";
import { stepOf, withoutApproval } from "../tools/step-of-item.ts";
import { itemsOf, untilLastFact } from "./carried-items.ts";

/** How many responses of one run may ask for calls, so that a model that never stops is stopped. */
export const maxRounds = 64;

/**
 * How many responses have asked for calls before this attempt. The ledger knows those whose calls we made or said yes to,
 * whatever became of their attempts; the attempts that this one continues may have had others.
 */
export function roundsBefore({ rounds, usages }: Pick<Work, "rounds" | "usages">): number {
  return Math.max(rounds, usages.length);
}

/** The failure of a run that never stops asking. */
export function tooManyRounds() {
  return makeFailure(
    "too_many_rounds",
    `Cannot continue: the model asked for more calls in each of ${maxRounds} responses, which is the limit`,
  );
}

/**
 * What a response did, and the answers that it got, without calls of ours, as steps from which the run's next request
 * continues.
 */
export function stepsOfRound(
  output: Item[],
  answers: ReadonlyMap<Item, ApprovalAnswer>,
  effects: EffectRules,
  place: { attempt: number; after: number },
): DoneStep[] {
  return output.filter((item) => !isLeftCall(item)).map((item, index) => {
    const step = stepOf(item, effects);
    return {
      number: place.after + index + 1,
      attempt: place.attempt,
      item_id: step.item_id,
      kind: step.kind,
      effect: step.effect ?? null,
      server_label: step.server_label ?? null,
      tool: step.tool ?? null,
      arguments: step.arguments ?? null,
      call_key: step.call_key ?? null,
      output: step.output ?? null,
      error: step.error ?? null,
      item,
      answer: { ...answers.get(item) },
      answered_by: answers.has(item) ? "guard" : null,
    };
  });
}

/**
 * The rounds of a run as a single response, as if nobody had been asked: the guard's questions and answers are left out, and
 * usage is added up.
 */
export function joinRounds(
  rounds: UpstreamResponse[],
  last: UpstreamResponse,
): UpstreamResponse {
  if (rounds.length === 0) return last;
  const asked = new Set(
    rounds.flatMap(({ output }) => output.filter(isApprovalRequest).map((item) => item["id"])),
  );
  const output = [
    ...rounds.flatMap((round) => round.output.filter((item) => !isApprovalRequest(item))),
    ...last.output,
  ]
    .map((item) => asked.has(item["approval_request_id"]) ? withoutApproval(item) : item);
  return { ...last, output, usage: sumOf([...rounds, last].map(({ usage }) => usage)) };
}

/**
 * Everything that a run did as one output: what earlier attempts did, then what the last one did. The guard's questions and
 * answers are left out.
 */
export function wholeOutput(steps: DoneStep[], last: Item[]): Record<string, unknown>[] {
  const asked = new Set<unknown>(
    steps.flatMap(({ answered_by, item }) => answered_by === "guard" && item ? [item["id"]] : []),
  );
  const all: Record<string, unknown>[] = [...shownItems(steps), ...last];
  return all.filter((item) =>
    !(item["type"] === "mcp_approval_request" && asked.has(item["id"])) &&
    !(item["type"] === "mcp_approval_response" && asked.has(item["approval_request_id"]))
  ).map((item) =>
    asked.has(item["approval_request_id"]) ? { ...item, approval_request_id: null } : item
  );
}

/**
 * Steps as callers see them: the items that a later run gets, except that a call that we made at an MCP server looks as if
 * OpenAI had made it.
 */
export function shownItems(steps: DoneStep[]): Record<string, unknown>[] {
  return untilLastFact(steps).flatMap((step) =>
    leftKindOf(step) !== undefined && step.server_label !== null
      ? [asMcpCall(step)]
      : itemsOf(step, steps)
  );
}

/** A call of ours as callers see it: nobody has anything left to do. */
export function asMcpCall(step: DoneStep): Item {
  const { item_id, item, server_label, tool, output, error } = step;
  return {
    type: "mcp_call",
    id: item?.["id"] ?? item_id,
    server_label: server_label ?? functionsLabel,
    name: tool,
    arguments: step.arguments ?? "{}",
    output,
    error,
    status: error === null ? "completed" : "failed",
    approval_request_id: null,
  };
}

/** The usage of all parts of a run. */
export function sumOf(usages: (Record<string, unknown> | null)[]): Record<string, unknown> | null {
  return usages.reduce((sum, usage) =>
    sum === null || usage === null ? usage ?? sum : add(sum, usage)
  );
}

/** Adds numbers, also nested ones. For anything else, the later value counts. */
function add(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys({ ...a, ...b }).map((key) => [key, addValues(ownOf(a, key), ownOf(b, key))]),
  );
}

function ownOf(of: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(of, key) ? of[key] : undefined;
}

function addValues(a: unknown, b: unknown): unknown {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (isRecord(a) && isRecord(b)) return add(a, b);
  return b ?? a;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
