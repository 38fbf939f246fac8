/**
 * Items of responses that retention has deleted. A chat that an app keeps is longer than `response_settings.retention_days`, and
 * the libraries send its old items with each message. It continues without what is gone: its messages count as text that the caller
 * says, as messages without an id do, and its calls are left out.
 *
 * A deleted response looks like one that never was, or like somebody else's. So the age in the id decides, for all three:
 * no response is deleted by retention before it is a day old. Nobody learns whether there is a response of that id.
 */
import { createdAtOf } from "../../model/ids.ts";
import { messageOf, readItem } from "../../model/items.ts";
import { isAnswerType } from "../../model/left-calls.ts";
import { isCallKind } from "../../model/status.ts";

type InputItem = Record<string, unknown>;

/** The shortest retention, in ms. */
const aDay = 86_400_000;
/** No job is older. Ids that somebody made up have times before it. */
const firstJobs = Date.UTC(2025, 0);

/** Whether retention may have deleted a job that is not found. */
export function mayBeDeleted(jobId: string): boolean {
  const createdAt = createdAtOf(jobId);
  return createdAt !== undefined && createdAt > firstJobs && Date.now() - createdAt > aDay;
}

/** What is left of an item of a deleted response. */
export function remainsOf(item: InputItem): InputItem[] {
  const said = item["role"] === "assistant" ? messageOf(readItem(item))?.text : undefined;
  return said ? [{ role: "assistant", content: said }] : [];
}

/** Without outputs whose calls were left out. What stands after the last message of the user is no history. */
export function withoutOutputsAlone(input: InputItem[]): InputItem[] {
  const calls = new Set(input.flatMap((item) => isCall(item) ? [item["call_id"]] : []));
  const last = input.findLastIndex(({ role }) => role === "user");
  return input.filter((item, at) =>
    at > last || !isAnswerType(item["type"]) || calls.has(item["call_id"])
  );
}

function isCall({ type }: InputItem): boolean {
  return typeof type === "string" && isCallKind(type);
}
