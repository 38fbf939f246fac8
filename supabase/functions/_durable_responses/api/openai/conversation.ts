import type { Visibility } from "../../model/caller.ts";
import { responseIdOf } from "../../model/ids.ts";
import { RequestError } from "../../platform/errors.ts";
import { carriedItems } from "./carried-items.ts";
import { readRecord, type ResponseRecord, takeAnswer } from "./record.ts";
import { invalidParam, previousNotFound, type Refusal } from "./refusal.ts";
import { statusOf } from "./response.ts";

/**
 * The conversation up to the answer that a request continues from: questions and answers. OpenAI's own previous_response_id
 * cannot be used, because a result may come from several runs.
 * @param whole as for `readRecord`
 * @throws Refusal 400
 */
export async function conversationBefore(
  previousId: string,
  who: Visibility,
  whole: boolean,
): Promise<Record<string, unknown>[]> {
  const previous = await readPrevious(previousId, who, whole);
  if (previous.status !== "completed") throw notCompleted(previous);
  await takeAnswer(previous, who);
  const { input } = previous;
  const asked = typeof input === "string" ? [{ role: "user", content: input }] : input ?? [];
  return [...asked, ...carriedItems(previous)];
}

async function readPrevious(
  id: string,
  who: Visibility,
  whole: boolean,
): Promise<ResponseRecord> {
  try {
    return await readRecord(id, who, { withInput: true, whole });
  } catch (error) {
    if (error instanceof RequestError && error.code === "job_not_found") {
      throw previousNotFound(responseIdOf(id));
    }
    throw error;
  }
}

/** Says the response's status as its reader knows it, and what can be done. */
function notCompleted(previous: ResponseRecord): Refusal {
  const id = responseIdOf(previous.id);
  return invalidParam(
    "previous_response_id",
    "invalid_value",
    `Cannot continue from the response '${id}': ${whyNot(previous, id)}`,
  );
}

function whyNot(previous: ResponseRecord, id: string): string {
  switch (previous.status) {
    case "awaiting_approval":
      return "it waits for answers to its requests for approval. Send them first, as mcp_approval_response items";
    case "awaiting_tool_output":
      return "it waits for the outputs of its calls. Send them first";
    case "needs_review":
      return "a call that it may have made needs a review. Resolve that first, then it continues by itself";
    case "failed":
    case "cancelled":
      return `its status is ${previous.status}, but must be completed. Leave previous_response_id out, and send the conversation with the new question`;
    default:
      return `its status is ${
        statusOf(previous)
      }, but must be completed. Wait until GET /v1/responses/${id} shows it as completed`;
  }
}
