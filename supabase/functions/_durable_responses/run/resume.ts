import type { Failure } from "../model/failure.ts";
import type { RequestBody } from "../model/request.ts";
import type { DoneStep } from "../model/rows.ts";
import { failure } from "../platform/failures.ts";
import {
  continueWithItems,
  continueWithMessage,
  MAX_CHECKPOINT_CHARS,
  needsMessage,
  sizeOf,
} from "./continuation.ts";

/** A way to send what earlier runs did. */
export interface Form {
  name: "plain" | "items" | "message" | "compact";
  body: RequestBody;
}

const ENCRYPTED_REASONING = "reasoning.encrypted_content";
/** Models that have said that they have no reasoning to encrypt; asked once per isolate. */
const withoutReasoning = new Set<string>();

/**
 * The forms in which a run may be sent, best first: the next is used when the API refuses one.
 * @returns a failure when what is done is too large for any
 */
export function formsFor(body: RequestBody, steps: DoneStep[]): Form[] | Failure {
  const base = selfContained(body);
  if (steps.length === 0) return [{ name: "plain", body: base }];
  const compact = continueWithMessage(base, steps, true);
  const size = sizeOf(compact);
  if (size > MAX_CHECKPOINT_CHARS) {
    return failure(
      "checkpoint_too_large",
      `Cannot go on from what is done: it is ${size} characters, and at most ${MAX_CHECKPOINT_CHARS} are sent`,
    );
  }
  const message = continueWithMessage(base, steps, false);
  const forms: Form[] = [
    ...(needsMessage(steps)
      ? []
      : [{ name: "items" as const, body: continueWithItems(base, steps) }]),
    { name: "message", body: message },
    // Shorter, for a model whose context is smaller than what may be sent.
    ...(sizeOf(message) > size ? [{ name: "compact" as const, body: compact }] : []),
  ];
  return forms.filter(({ body }) => sizeOf(body) <= MAX_CHECKPOINT_CHARS);
}

/** Nothing of a synchronous run is kept at OpenAI, so its reasoning must come along to be sent again. */
function selfContained(body: RequestBody): RequestBody {
  if (withoutReasoning.has(body.model ?? "")) return { ...body, store: false };
  return {
    ...body,
    store: false,
    include: [...new Set([...body.include ?? [], ENCRYPTED_REASONING])],
  };
}

/** True when the API refused what a run goes on from, so that the same facts should be told in the next form. */
export function refusedForm(form: Form, why: Failure): boolean {
  return form.name !== "plain" &&
    (why.code === "openai_invalid_request" || why.code === "openai_not_found");
}

/** True, and remembered, when the model has no reasoning that could be encrypted. */
export function refusedReasoning(body: RequestBody, why: Failure): boolean {
  const model = body.model ?? "";
  if (
    why.code !== "openai_invalid_request" || !/encrypted/i.test(why.message) ||
    withoutReasoning.has(model)
  ) return false;
  withoutReasoning.add(model);
  return true;
}
