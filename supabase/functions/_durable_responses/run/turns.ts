import { isApprovalRequest } from "../model/items.ts";
import type { Outcome } from "../model/outcome.ts";
import { unasked } from "../tools/step-of-item.ts";

/**
 * The turns of a run as the one response that it would have been had nobody been asked: what the gate
 * asked and was answered is left out, and usage is added up.
 */
export function joinTurns(turns: Outcome[], last: Outcome): Outcome {
  if (turns.length === 0) return last;
  const asked = new Set(
    turns.flatMap(({ output }) => output.filter(isApprovalRequest).map((item) => item["id"])),
  );
  const output = [
    ...turns.flatMap((turn) => turn.output.filter((item) => !isApprovalRequest(item))),
    ...last.output,
  ]
    .map((item) => asked.has(item["approval_request_id"]) ? unasked(item) : item);
  return { ...last, output, usage: sumOf([...turns, last].map(({ usage }) => usage)) };
}

function sumOf(usages: (Record<string, unknown> | null)[]): Record<string, unknown> | null {
  return usages.reduce((sum, usage) =>
    sum === null || usage === null ? usage ?? sum : add(sum, usage)
  );
}

/** Adds numbers, also nested ones; anything else is the later one's. */
function add(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys({ ...a, ...b }).map((key) => [key, addValues(a[key], b[key])]),
  );
}

function addValues(a: unknown, b: unknown): unknown {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (isRecord(a) && isRecord(b)) return add(a, b);
  return b ?? a;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
