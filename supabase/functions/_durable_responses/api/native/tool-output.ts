/** `POST /:id/tool-output`: the caller's answer to a call that was handed out. Loaded on first use, because cold start counts. */
import { answerJob } from "../../db/answers.ts";
import { callAnswerSchema } from "../../model/call-answers.ts";
import { type Caller, visibilityOf } from "../../model/caller.ts";
import type { Job } from "../../model/job.ts";
import * as z from "../../model/zod.ts";
import { readJsonText } from "../http/body.ts";
import { refusedBody } from "../http/body-flaw.ts";
import { withRoom } from "../http/room.ts";
import { takenFiles } from "../http/taken-files.ts";

const bodySchema = z.record(z.string(), z.unknown());
const howToAnswer =
  "For a function it is {call_id, output}; for another kind the item of its own type, such as {type: 'shell_call_output', call_id, output}";

/**
 * Gives an answer to the job: `{call_id, output}` for a function, or for any kind of call, the item that OpenAI takes as its
 * answer. A screenshot is treated like an image in a message.
 * @throws RequestError
 */
export function giveToolOutput(id: string, caller: Caller, request: Request): Promise<Job> {
  return withRoom(async (limits) => {
    const { body, ...sent } = await readJsonText(request, bodySchema, limits);
    const item = { type: "function_call_output", ...body };
    const { input, files } = await takenFiles({ ...sent, input: [item] }, caller);
    const answer = callAnswerSchema.safeParse(input[0]);
    if (!answer.success) throw refusedBody(item, answer.error, howToAnswer);
    if (files.length > 0) await (await import("../../files/store-files.ts")).storeFiles(files);
    return await answerJob(id, visibilityOf(caller), [answer.data]);
  });
}
