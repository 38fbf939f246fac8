import { responseIdOf } from "../../model/ids.ts";
import { outputOf } from "./output.ts";
import type { ResponseRecord } from "./record.ts";
import { withHint } from "./refusal.ts";

type Status = "queued" | "in_progress" | "completed" | "failed" | "cancelled" | "incomplete";

/** A job's status in OpenAI's terms. docs/openai-compatible.md has the table with the reasons. */
export function statusOf(record: ResponseRecord): Status {
  switch (record.status) {
    case "background":
      return record.response_id === null ? "queued" : "in_progress";
    case "queued":
      return record.attempt === 0 ? "queued" : "in_progress";
    case "running":
      return "in_progress";
    // Its output ends with the question: an approval, or a call for the caller to make.
    case "awaiting_approval":
    case "awaiting_tool_output":
      return "completed";
    case "needs_review":
      return "incomplete";
    default:
      return record.status;
  }
}

/** A job as a Responses API response. Its model is the profile's name. Instructions and tools are hidden. */
export function toResponse(record: ResponseRecord) {
  const status = statusOf(record);
  return {
    id: responseIdOf(record.id),
    object: "response",
    created_at: seconds(record.created_at),
    completed_at: status === "completed" && record.finished_at ? seconds(record.finished_at) : null,
    status,
    // Every response here can be left alone, fetched later and cancelled.
    background: true,
    error: errorOf(record),
    incomplete_details: status === "incomplete" ? { reason: "needs_review" } : null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: metadataOf(record),
    model: record.model ?? record.profile,
    output: outputOf(record),
    parallel_tool_calls: true,
    previous_response_id: record.previous_response_id,
    prompt: null,
    reasoning: { effort: null, summary: null },
    service_tier: "default",
    store: true,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: "disabled",
    // Left out as long as nothing is known: AI SDK 5 and 6 cannot read an answer in which it is null.
    ...(record.usage && { usage: record.usage }),
    user: null,
  };
}

function errorOf({ status, error, review_reason }: ResponseRecord) {
  if (status === "needs_review") {
    return {
      code: "needs_review",
      message: `${
        review_reason ?? "A tool call may have been made"
      }. A person must decide: resolve the job. Do not send the request again`,
      type: "server_error",
      param: null,
    };
  }
  if (error === null) return null;
  return {
    code: error.code,
    message: withHint(error),
    // Not in OpenAI's answers, but the AI SDK cannot read an error without it.
    type: "server_error",
    param: null,
  };
}

/** OpenAI's metadata values are strings. Ours may be numbers and booleans too. */
function metadataOf({ metadata }: ResponseRecord): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => value !== null).map((
      [key, value],
    ) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
