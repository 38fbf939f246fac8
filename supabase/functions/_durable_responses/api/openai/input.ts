/** From the input that a caller sends to the input of a job. */
import { type Caller, visibilityOf } from "../../model/caller.ts";
import { canonicalOfValue } from "../../model/canonical.ts";
import { seen } from "../../model/flaw.ts";
import { refuseUnsayable } from "../http/user-input.ts";
import { callNotFound, withCallsById } from "./calls-by-call-id.ts";
import { conversationBefore } from "./conversation.ts";
import type { CreateBody } from "./create-body.ts";
import { jobIdOf } from "../../model/ids.ts";
import { invalidParam, type Refusal } from "./refusal.ts";
import { isOutput, itemNotFound, ownIdOf, withStoredItems } from "./stored-items.ts";

type InputItem = Record<string, unknown>;

/** Roles that outrank a user's messages. */
const above = new Set<unknown>(["system", "developer"]);

/**
 * The input of a job: the earlier conversation if the request continues from a response of ours, then the caller's items,
 * where stored items replace those that came from here. From a user, it contains only user and assistant messages. Their
 * instructions, if the profile allows any, become a message of theirs.
 * @param mayInstruct whether the profile lets callers give instructions
 * @param named whether the request names a profile; if not, its instructions stay where they are
 * @throws Refusal, RequestError `invalid_request`
 */
export async function inputOf(
  body: CreateBody,
  caller: Caller,
  { mayInstruct, named }: { mayInstruct: boolean; named: boolean },
): Promise<CreateBody["input"]> {
  const isUser = caller.kind === "user";
  const who = visibilityOf(caller);
  const previous = jobIdOf(body.previous_response_id ?? "");
  const instructions = named ? instructionsOf(body, isUser) : [];
  const { input } = body;
  if (previous === undefined && instructions.length === 0 && !Array.isArray(input)) return input;

  const sent = listOf(input).map((item) => isUser && mayInstruct ? asUser(item) : item);
  const said = isUser ? await withCallsById(sent, who) : sent;
  const fromHere = (item: InputItem) => ownIdOf(item) !== undefined;
  if (isUser) {
    said.forEach(refuseStrangeReference);
    refuseUnsayable(
      said.map((item) => fromHere(item) || isOutput(item) ? stored : item),
    );
  }
  // A server's conversation continues with everything in it, also when it acts for a user: if it goes into a whole request,
  // which stays hidden. The input of a profile's job is seen by the job's owner, and by operators.
  const whole = !isUser && !named;
  const resolved = await withStoredItems(said, who, whole);
  const isSaid = new Set(said);
  if (isUser) {
    const left = new Set(resolved);
    said.forEach((item, index) => {
      if (left.has(item) && isOutput(item)) throw callNotFound(item, index);
    });
  }
  const now = [...instructions, ...resolved];
  if (previous === undefined) {
    if (now.length === 0) throw nothingAsked();
    return now;
  }
  const before = await conversationBefore(previous, who, whole);
  // Instructions that are sent with each turn, and referenced items that are already known, are included only once.
  const known = new Set(before.map(canonicalOfValue));
  return [
    ...before,
    ...now.filter((item) => isSaid.has(item) || !known.has(canonicalOfValue(item))),
  ];
}

/** For an input of nothing but items that a run does not need again, such as reasoning. */
function nothingAsked(): Refusal {
  return invalidParam(
    "input",
    "invalid_value",
    "Cannot accept 'input': it contains only items that a response does not continue from, such as reasoning or lists of tools. Add a message",
  );
}

/** Stands in for an item that is not read, because the stored one is used. */
const stored: InputItem = { role: "assistant", content: "" };

function listOf(input: CreateBody["input"]): InputItem[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  return input ?? [];
}

/** An id that is none of ours names no item of this user, whatever the project has stored at OpenAI. */
function refuseStrangeReference(item: InputItem, index: number): void {
  const { type, id } = item;
  if (type !== "item_reference" || ownIdOf(item) !== undefined) return;
  if (typeof id === "string") throw itemNotFound(id, index);
  const place = `input[${index}].id`;
  const but = id === undefined ? "is missing" : `is ${seen(id)}`;
  throw invalidParam(
    place,
    "invalid_type",
    `Cannot accept '${place}': it must be the id of an item of an earlier response, but ${but}`,
  );
}

function asUser(item: InputItem): InputItem {
  return above.has(item["role"]) ? { ...item, role: "user" } : item;
}

function instructionsOf({ instructions }: CreateBody, isUser: boolean): InputItem[] {
  if (!instructions) return [];
  return [{ role: isUser ? "user" : "developer", content: instructions }];
}
