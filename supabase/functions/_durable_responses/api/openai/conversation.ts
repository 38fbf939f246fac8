import type { Visibility } from "../../model/caller.ts";
import { RequestError } from "../../platform/errors.ts";
import { readRecord, type ResponseRecord, takeAnswer } from "./record.ts";
import { invalidParam } from "./refusal.ts";
import { carriedItems } from "./carried-items.ts";

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
  if (previous.status !== "completed") {
    throw invalidParam(
      "previous_response_id",
      "invalid_value",
      `Cannot continue from the previous response: its job is ${previous.status}, but must be completed`,
    );
  }
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
      throw invalidParam(
        "previous_response_id",
        "previous_response_not_found",
        "Previous response not found",
      );
    }
    throw error;
  }
}
