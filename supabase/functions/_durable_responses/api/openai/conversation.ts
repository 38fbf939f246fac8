import type { Visibility } from "../../model/caller.ts";
import { RequestError } from "../../platform/errors.ts";
import type { CreateBody } from "./create-body.ts";
import { outputItems } from "./output.ts";
import { readRecord, type ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

/** Left out when a conversation continues: the next run thinks for itself and asks the servers for their tools. */
const notCarried = new Set(["reasoning", "mcp_list_tools"]);

/**
 * The input of a request that continues from an earlier response: what was asked, what was answered, what
 * is asked now. OpenAI's own previous_response_id is no use here, as a result may come from several runs.
 */
export async function conversationInput(
  previousId: string,
  input: CreateBody["input"],
  who: Visibility,
): Promise<Record<string, unknown>[]> {
  const previous = await readPrevious(previousId, who);
  if (previous.status !== "completed") {
    throw invalidParam(
      "previous_response_id",
      "invalid_value",
      `Cannot continue from the previous response: its job is ${previous.status}, it must be completed`,
    );
  }
  // With OpenAI's own ids: these are for OpenAI.
  const answered = outputItems(previous).map(({ from }) => from)
    .filter((item) => !notCarried.has(item.type));
  return [...messages(previous.input), ...answered, ...messages(input)];
}

async function readPrevious(id: string, who: Visibility): Promise<ResponseRecord> {
  try {
    return await readRecord(id, who, { withInput: true });
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

function messages(input: ResponseRecord["input"]): Record<string, unknown>[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  return input ?? [];
}
