/** A Responses API response as it came from OpenAI, from any call or event. */
import { isApprovalRequest, type Item, type Message, messageOf, readItem } from "./items.ts";
import { isLeftCall } from "./left-calls.ts";
import { isRecord } from "./is-record.ts";
import { listOf, recordOf, textOf } from "./lenient.ts";
import { withoutRepeats } from "./repeated-items.ts";
import { readReportedError, type ReportedError } from "./reported-error.ts";
import { isResponseId } from "./response-id.ts";
import * as z from "./zod.ts";

const statuses = [
  "queued",
  "in_progress",
  "completed",
  "failed",
  "cancelled",
  "incomplete",
] as const;

/** All that is required. The other fields are read one by one, whatever they are. */
const responseSchema = z.looseObject({ status: z.string() });

/** The fields that are used of a response, from create, retrieve, cancel or a terminal event. */
export interface UpstreamResponse {
  /** Empty if there was none that can be used. */
  id: string;
  status: typeof statuses[number] | "unknown";
  output: Item[];
  /** False if there was something else in place of the output, or nothing: then nobody knows what the response did. */
  outputIsList: boolean;
  /** The answer: see `answerOf`. */
  outputText: string;
  /** What the model says if it declines to answer; null if it does not. */
  refusal: string | null;
  usage: Record<string, unknown> | null;
  error: ReportedError | null;
  incompleteReason: string | null;
  metadata: Record<string, string>;
}

/**
 * Reads a response as leniently as possible: only an object without a status is not one.
 * @throws $ZodError if it is not one
 */
export function parseUpstreamResponse(response: unknown): UpstreamResponse {
  const { status, id, output, usage, error, incomplete_details, metadata } = responseSchema.parse(
    response,
  );
  const known = textOf(id, "");
  return withOutput({
    id: isResponseId(known) ? known : "",
    // An unknown status is not final.
    status: statuses.find((one) => one === status) ?? "unknown",
    outputIsList: Array.isArray(output),
    usage: recordOf(usage),
    error: readReportedError(error),
    incompleteReason: reasonIn(incomplete_details),
    metadata: Object.fromEntries(
      Object.entries(recordOf(metadata) ?? {}).flatMap(([key, value]) =>
        typeof value === "string" ? [[key, value]] : []
      ),
    ),
  }, withoutRepeats(listOf(output).map(readItem)));
}

function reasonIn(details: unknown): string | null {
  const { reason } = recordOf(details) ?? {};
  return typeof reason === "string" ? reason : null;
}

/** The response with another output, and the answer in that. */
export function withOutput(
  response: Omit<UpstreamResponse, "output" | "outputText" | "refusal">,
  output: Item[],
): UpstreamResponse {
  const messages = answerOf(output);
  const refusals = messages.map(({ refusal }) => refusal).filter((said) => said !== "");
  return {
    ...response,
    output,
    outputText: messages.map((message) => message.text).filter((said) => said !== "").join("\n\n"),
    refusal: refusals.length === 0 ? null : refusals.join("\n\n"),
  };
}

/**
 * How a response came: its events have shown nothing but preparation (`untouched`), or more than that, or something that nobody
 * knows (`touched`), or it came in one piece (`not`).
 */
export type Streamed = "untouched" | "touched" | "not";

/** A response in a message: some servers give theirs no id. */
export function nameOf({ id }: Pick<UpstreamResponse, "id">): string {
  return id === "" ? "the response" : `the response ${id}`;
}

/** True for a value that is a whole response, and not an event about one. */
export function isResponse(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && typeof value["type"] !== "string" &&
    typeof value["status"] === "string" &&
    (value["object"] === "response" || "output" in value || typeof value["id"] === "string");
}

/** True for a response that will not change any more. */
export function isFinalUpstream({ status }: UpstreamResponse): boolean {
  return status !== "queued" && status !== "in_progress" && status !== "unknown";
}

/** True for a response in which the model stopped to ask: whether it may make a call, or for a call that others make. */
export function asksForSomething({ status, output }: UpstreamResponse): boolean {
  return status === "completed" &&
    output.some((item) => isApprovalRequest(item) || isLeftCall(item));
}

/**
 * The messages that are the answer: those of the phase `final_answer`, or otherwise those of no phase that we know.
 * `commentary` along the way is not part of it.
 */
export function answerOf(output: Item[]): Message[] {
  const messages = output.map(messageOf).filter((message) => message !== undefined);
  const final = messages.filter(({ phase, text, refusal }) =>
    phase === "final_answer" && text + refusal !== ""
  );
  return final.length > 0 ? final : messages.filter(({ phase }) => phase !== "commentary");
}
