/** How a run continues after earlier ones: the request with their finished steps, in each form that an API may accept. */
import type { Failure } from "../model/failure.ts";
import type { DoneStep } from "../model/job.ts";
import { leftKindOf } from "../model/left-calls.ts";
import { idsOfInput, type RequestBody } from "../model/request.ts";
import * as z from "../model/zod.ts";
import { isTooLong } from "../openai/too-long.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { pendingApprovals } from "../tools/ledger.ts";
import { callAskedAbout } from "../tools/own/call-steps.ts";
import {
  answerOf,
  carriedItems,
  isRegenerated,
  outputAtItsPlace,
  outputOf,
  untilLastFact,
} from "./carried-items.ts";
import { askedAgain } from "./asked-again.ts";
import { factOf } from "./step-facts.ts";

/** Larger input is not sent as items, and in the end not at all, in characters of JSON. */
const maxCheckpointChars = 1_000_000;
/** How much of a tool's output is kept if a checkpoint must shrink, in characters. */
const compactOutputChars = 2_000;
const allowedTools = z.looseObject({ type: z.literal("allowed_tools") });
/** A way to send what earlier runs did. */
export interface Form {
  name: "plain" | "answers" | "items" | "message" | "compact";
  body: RequestBody;
  /** The requests to which it says yes, and whose calls it does not contain: OpenAI makes these calls. */
  yeses: DoneStep[];
}

const encryptedReasoning = "reasoning.encrypted_content";
/** Models without reasoning that could be encrypted. Each is tried once per isolate. */
const modelsWithoutReasoning = new Set<string>();

/**
 * The forms in which a run may be sent, best first: if the API refuses one, the next is used.
 * @param withReasoning whether to ask for the model's encrypted reasoning
 * @returns a failure if the finished steps are too large for any form
 */
export function formsFor(
  body: RequestBody,
  steps: DoneStep[],
  withReasoning: boolean,
): { forms: Form[] } | { failure: Failure } {
  const base = selfContained(body, withReasoning);
  if (steps.length === 0) return { forms: [{ name: "plain", body: base, yeses: [] }] };
  const yeses = pendingApprovals(steps);
  const compact = continueWithMessage(base, steps, true);
  const size = sizeOf(compact);
  if (size > maxCheckpointChars) {
    return {
      failure: makeFailure(
        "checkpoint_too_large",
        `Cannot continue from the finished steps: they have ${size} characters, and at most ${maxCheckpointChars} can be sent`,
      ),
    };
  }
  const message = continueWithMessage(base, steps, false);
  const forms: Form[] = [
    ...(needsMessage(steps)
      ? []
      : [{ name: "items" as const, body: continueWithItems(base, steps), yeses }]),
    { name: "message", body: message, yeses },
    // Shorter, for a model whose context is smaller than what may be sent.
    ...(sizeOf(message) > size ? [{ name: "compact" as const, body: compact, yeses }] : []),
  ];
  return { forms: forms.filter(({ body }) => sizeOf(body) <= maxCheckpointChars) };
}

/**
 * The request that answers what a stored response asked. OpenAI has everything before, and accepts an answer only once, and
 * without its request.
 */
export function answersTo(body: RequestBody, steps: DoneStep[], responseId: string): Form {
  return {
    name: "answers",
    yeses: steps.filter((step) => answerOf(step).some(({ approve }) => approve === true)),
    body: {
      ...free(body, steps),
      // A conversation already has the response, and accepts no other place to continue from.
      ...(body["conversation"] ? {} : { previous_response_id: responseId }),
      input: steps.flatMap((step) => [...answerOf(step), ...outputAtItsPlace(step)]),
    },
  };
}

/** OpenAI stores nothing of a synchronous run, so its reasoning must be returned to us to be sent again. */
function selfContained(body: RequestBody, withReasoning: boolean): RequestBody {
  if (!withReasoning) return { ...body, store: false };
  return {
    ...body,
    store: false,
    include: [...new Set([...body.include ?? [], encryptedReasoning])],
  };
}

/** The form in which to send the same facts next, if the API refused one; undefined if it refused something else. */
export function nextForm(forms: Form[], refused: Form, why: Failure): Form | undefined {
  const rest = forms.slice(forms.indexOf(refused) + 1);
  if (refused.name === "plain") return undefined;
  // If one form is too long, so are all but the short one, which is the last.
  if (isTooLong(why)) return rest.at(-1);
  return why.code === "openai_invalid_request" || why.code === "openai_not_found"
    ? rest[0]
    : undefined;
}

/** False for a model without reasoning that could be encrypted. */
export function hasEncryptedReasoning({ model = "" }: RequestBody): boolean {
  return !modelsWithoutReasoning.has(model);
}

/** True if the API refused a request because its model has no reasoning that could be encrypted. */
export function refusesReasoning(why: Failure): boolean {
  return why.code === "openai_invalid_request" && /encrypted/i.test(why.message);
}

/** Remembers, for the isolate's life, that a model has no reasoning to encrypt. */
export function rememberNoReasoning({ model = "" }: RequestBody): void {
  modelsWithoutReasoning.add(model);
}

/**
 * The input for a run that continues after earlier ones: the question, then the finished items as they came, so that the
 * model continues as if it had never been cut off.
 */
function continueWithItems(body: RequestBody, steps: DoneStep[]): RequestBody {
  const carried = carriedItems(steps, idsOfInput(body));
  return { ...free(body, steps), input: [...askedAgain(body, steps, carried), ...carried] };
}

/**
 * The same facts as one developer message: for an API that refuses the items, for a checkpoint that is
 * too large, and for a person's answer about a run that left no items.
 */
function continueWithMessage(
  body: RequestBody,
  steps: DoneStep[],
  compact: boolean,
): RequestBody {
  const pending = pendingApprovals(steps);
  const facts = untilLastFact(steps).filter((step) =>
    step.kind !== "mcp_list_tools" && !isRegenerated(step) && !pending.includes(step) &&
    (step.item === null || callAskedAbout(step.item) === undefined)
  );
  const said = statement(facts, compact);
  const told = said === undefined ? [] : [{ role: "developer", content: said }];
  // A yes can only be given as an item: told in words, the model would ask again.
  const approved = carriedItems(pending, idsOfInput(body));
  return {
    ...free(body, steps),
    input: [...askedAgain(body, steps, approved), ...told, ...approved],
  };
}

function free(body: RequestBody, steps: DoneStep[]): RequestBody {
  const called = steps.some((step) =>
    step.kind === "mcp_call" || step.kind === "mcp_approval_request" || leftKindOf(step)
  );
  return called ? relaxed(body) : body;
}

/** If the model was forced to call a tool and has called it, it must not be forced again: it would act twice. */
function relaxed(body: RequestBody): RequestBody {
  const { tool_choice: choice } = body;
  if (choice === undefined || choice === "auto" || choice === "none") return body;
  const allowed = allowedTools.safeParse(choice);
  return { ...body, tool_choice: allowed.success ? { ...allowed.data, mode: "auto" } : "auto" };
}

/** True if steps can be sent only as a message, because some of them never were items, or no item says how they ended. */
function needsMessage(steps: DoneStep[]): boolean {
  return steps.some((step) =>
    step.kind === "unguarded_run" ||
    leftKindOf(step) !== undefined && step.item !== null && outputOf(step).length === 0
  );
}

/** The size of a request's input, in characters of JSON. */
function sizeOf(body: RequestBody): number {
  return JSON.stringify(body.input ?? "").length;
}

const statementHead =
  "An earlier run of this task was interrupted. What it did is listed below, one JSON object a line; it is done and its outputs are true. Do not do any of it again. Continue with what is left.";

/** @returns undefined if there are no facts */
function statement(facts: DoneStep[], compact: boolean): string | undefined {
  const longest = compact ? compactOutputChars : Infinity;
  const lines = facts.map((step) => factOf(step, longest)).filter((line) => line !== null);
  return lines.length === 0 ? undefined : `${statementHead}\n${lines.join("\n")}`;
}
