import { flawIn, seen } from "../../model/flaw.ts";
import { isRecord } from "../../model/is-record.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";

/** The part of a message that is checked beside its role: its content. Other fields that OpenAI accepts pass through. */
function messageWith(parts: readonly [string, ...string[]]) {
  return z.lazy(() =>
    z.looseObject({
      id: z.nullish(z.string()),
      content: z.union([
        z.string(),
        z.array(z.looseObject({ type: z.enum(parts) })).check(z.minLength(1)),
      ]),
    })
  );
}

const messages = {
  user: messageWith(["input_text", "input_image", "input_file"]),
  // A conversation that a frontend keeps itself contains the model's messages too.
  assistant: messageWith(["input_text", "output_text", "refusal"]),
};

/** The field of a part that has its words. */
const said: Readonly<Record<string, string>> = {
  input_text: "text",
  output_text: "text",
  refusal: "refusal",
};

const forItems =
  "A user sends messages. Tool results and approvals come from the job itself: continue an earlier answer with previous_response_id, and approve with POST /respond/:id/approve";
const forRoles =
  "Put instructions into the profile. At /v1, a profile can let callers give their own with caller_may";
const forContent =
  "A message contains text, or a list of {type: 'input_text', text}, input_image and input_file";

/**
 * Refuses input items that a user may not send. The model would take a developer or system message for an instruction of the
 * profile, a tool call for something that was done, an `mcp_approval_response` for a person's yes, and an `item_reference`
 * for whatever the project has stored at OpenAI, for any user. Those facts come from the profile and the ledger. A server
 * with a secret key may send any item.
 * @throws RequestError `invalid_request`, with the place of the first one
 */
export function refuseUnsayable(input: unknown): void {
  if (!Array.isArray(input)) return;
  for (const [index, item] of input.entries()) refuseItem(item, `input[${index}]`);
}

function refuseItem(item: unknown, at: string): void {
  if (!isRecord(item)) throw refusal(at, `it must be a message, but is ${seen(item)}`, forItems);
  const { type, role } = item;
  if (type !== undefined && type !== null && type !== "message") {
    throw refusal(at, `it must be a message, but has the type ${seen(type)}`, forItems);
  }
  if (role !== "user" && role !== "assistant") {
    const but = role === undefined ? "is missing" : `is ${seen(role)}`;
    throw refusal(`${at}.role`, `it must be "user" or "assistant", but ${but}`, forRoles);
  }
  const { data, error } = messages[role].safeParse(item);
  if (error) {
    const { place, why } = flawIn(error, item);
    throw refusal(`${at}.${place}`, why, forContent);
  }
  if (typeof data.content === "string") return;
  for (const [index, part] of data.content.entries()) {
    const field = said[part.type];
    if (field === undefined || typeof part[field] === "string") continue;
    const but = part[field] === undefined ? "is missing" : `is ${seen(part[field])}`;
    throw refusal(
      `${at}.content[${index}].${field}`,
      `it must be a string, but ${but}`,
      forContent,
    );
  }
}

function refusal(param: string, why: string, hint: string): RequestError {
  return new RequestError("invalid_request", `Cannot accept '${param}' from a user: ${why}`, {
    hint,
    param,
  });
}
