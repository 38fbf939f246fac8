import { ApiError, invalid } from "../errors.ts";
import { belongsTo } from "./encrypted.ts";
import type { InputItem } from "./items.ts";
import {
  type Answer,
  callIdOf,
  isAnswer,
  isLeftCall,
  type LeftCall,
  unacknowledged,
} from "./left-calls.ts";
import { newId } from "../ids.ts";
import type { ParsedRequest } from "./parse.ts";

/** Roughly how many characters make a token. */
const charactersPerToken = 4;
const contextWindowTokens = 400_000;

/** What earlier responses left behind. */
export interface ItemSource {
  /** Input and output of a stored response. */
  itemsOf(responseId: string): readonly InputItem[] | undefined;
  /** A stored item by its id. */
  item(id: string): InputItem | undefined;
}

/** The request's own input as items: a string becomes a user message. */
export function ownInput(request: ParsedRequest): InputItem[] {
  if (request.input === undefined) return [];
  const items = typeof request.input === "string"
    ? [{
      type: "message" as const,
      role: "user" as const,
      content: [{ type: "input_text" as const, text: request.input }],
    }]
    : request.input;
  return items.map((item) =>
    item.type === "message" && item.id === undefined
      ? { ...item, id: newId("msg"), status: "completed" as const }
      : item
  );
}

/**
 * Everything that the model reads: the previous response's items and the request's own.
 *
 * @throws ApiError when an item refers to something that is not there, or is given twice
 */
export function assembleInput(
  request: ParsedRequest,
  own: readonly InputItem[],
  source: ItemSource,
): InputItem[] {
  const previousId = request.previous_response_id ?? undefined;
  const previous = previousId === undefined ? [] : source.itemsOf(previousId);
  if (previous === undefined) throw previousNotFound(previousId ?? "");
  const resolved = own.map((item) =>
    item.type === "item_reference" ? source.item(item.id) ?? notPersisted(item.id) : item
  );
  // The previous response's items are in the input already: to give one again is to give it twice.
  refuseDuplicates([...previous, ...resolved]);
  for (const item of resolved) {
    if (item.type === "reasoning") checkReasoning(item, source);
  }
  const all = [...previous, ...resolved];
  checkApprovals(all);
  checkCalls(all);
  checkSize(all);
  return all;
}

function refuseDuplicates(items: readonly InputItem[]): void {
  const seen = new Set<string>();
  for (const item of items) {
    if (typeof item.id !== "string") continue;
    if (seen.has(item.id)) {
      throw invalid(
        "input",
        null,
        `Duplicate item found with id ${item.id}. Remove duplicate items from your input and try again.`,
      );
    }
    seen.add(item.id);
  }
}

function checkReasoning(item: Extract<InputItem, { type: "reasoning" }>, source: ItemSource): void {
  const encrypted = item.encrypted_content ?? undefined;
  if (encrypted === undefined) {
    if (source.item(item.id) === undefined) notPersisted(item.id);
    return;
  }
  if (belongsTo(item.id, encrypted)) return;
  throw invalid(
    "input",
    "invalid_encrypted_content",
    `The encrypted content for item ${item.id} could not be verified.`,
  );
}

/** An answer must belong to a request that is in the input. */
function checkApprovals(items: readonly InputItem[]): void {
  for (const item of items) {
    if (item.type !== "mcp_approval_response") continue;
    const asked = items.some((each) =>
      each.type === "mcp_approval_request" && each.id === item.approval_request_id
    );
    if (asked) continue;
    throw invalid(
      "input",
      null,
      `No approval request found for approval_request_id '${item.approval_request_id}'.`,
    );
  }
}

/** Every call has its output, of its own kind, and every output its call. */
function checkCalls(items: readonly InputItem[]): void {
  const calls = items.filter(isLeftCall);
  const outputs = items.filter(isAnswer);
  const belong = (call: LeftCall, output: Answer) =>
    output.type === `${call.type}_output` && callIdOf(output) === call.call_id;
  for (const call of calls) {
    const output = outputs.find((each) => belong(call, each));
    if (output === undefined) {
      const what = call.type.replaceAll("_", " ");
      throw invalid("input", null, `No tool output found for ${what} ${call.call_id}.`);
    }
    const [unseen] = unacknowledged(call, output);
    if (unseen !== undefined) {
      throw invalid(
        "input",
        null,
        `The safety check ${unseen} of computer call ${call.call_id} has not been acknowledged.`,
      );
    }
  }
  for (const output of outputs) {
    if (calls.some((call) => belong(call, output))) continue;
    const what = output.type.replace(/_output$/, "").replaceAll("_", " ");
    throw invalid(
      "input",
      null,
      `No tool call found for ${what} output with call_id ${callIdOf(output)}.`,
    );
  }
}

function checkSize(items: readonly InputItem[]): void {
  if (JSON.stringify(items).length / charactersPerToken <= contextWindowTokens) return;
  throw invalid(
    "input",
    "context_length_exceeded",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
  );
}

function notPersisted(id: string): never {
  throw new ApiError(404, {
    message: `Item with id '${id}' not found. Items are not persisted when \`store\` is set to ` +
      "false. Try again with `store` set to true, or remove this item from your input.",
    param: "input",
  });
}

function previousNotFound(id: string): ApiError {
  return new ApiError(400, {
    message: `Previous response with id '${id}' not found.`,
    param: "previous_response_id",
    code: "previous_response_not_found",
  });
}
