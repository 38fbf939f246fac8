/** A call that must not be made twice, and that a run has made again. */
import type { Failure } from "../model/failure.ts";
import type { Item } from "../model/items.ts";
import type { DoneStep, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { doneCalls } from "./ledger.ts";

/** @param number of the step that made it first */
export function madeTwice(
  { tool, server }: { tool: string; server: string },
  number: number,
): Failure {
  return makeFailure(
    "repeated_call",
    `Cannot continue: the run started ${tool} at ${server} with the same arguments as step ${number}, which has finished; the run was stopped, but the call may have been made a second time`,
  );
}

/** Whether an item is the one of an earlier step, by its id: some servers list what they were sent. */
export function isListedAgain({ item: before }: DoneStep, item: Item): boolean {
  const id = item["id"];
  return typeof id === "string" && id !== "" && before?.["id"] === id;
}

/** Why a call that nobody said yes to must not have been made: it was made before. undefined if it was not. */
export function repeatOf(step: Step, done: ReadonlyMap<string, DoneStep>): Failure | undefined {
  const { item, call_key: key = "", effect, status, tool = "", server_label: server } = step;
  const first = done.get(key);
  if (first === undefined || effect !== "once" || status === "failed") return undefined;
  if (item && isListedAgain(first, item)) return undefined;
  return madeTwice({ tool, server: server ?? "" }, first.number);
}

/** Why a response that made calls without a yes has made one again; undefined if it has not. */
export function repeatIn(
  made: readonly Step[],
  { steps, run_since: since }: Pick<Work, "steps" | "run_since">,
): Failure | undefined {
  const done = doneCalls(steps.filter(({ attempt }) => attempt < since));
  for (const step of made) {
    const repeat = repeatOf(step, done);
    if (repeat !== undefined) return repeat;
  }
  return undefined;
}
