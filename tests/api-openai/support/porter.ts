/** Jobs of the profile `porter`, which asks for outputs of calls and for approvals, and their answers. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import type { Sdk } from "./sdk.ts";

export type Response = OpenAI.Responses.Response;
export type Item = Record<string, unknown>;

export const open = (door: string) => `call open_door {"door":"${door}"}`;
export const reply = replyToEmail("It is paid.");
export const find = findEmail("invoice");

export const callsOf = ({ output }: Response) =>
  output.filter((item) => item.type === "function_call");
export const itemsOf = ({ output }: Response): Item[] => output.map((item) => ({ ...item }));
export const requestsOf = ({ output }: Response) =>
  output.filter((item) => item.type === "mcp_approval_request");

export const outputsOf = (asked: Response, output = "it is open"): Item[] =>
  callsOf(asked).map(({ call_id }) => ({ type: "function_call_output", call_id, output }));
export const yesesOf = (asked: Response, approve = true): Item[] =>
  requestsOf(asked).map(({ id: approval_request_id }) => ({
    type: "mcp_approval_response",
    approval_request_id,
    approve,
  }));

export function porterOn(theSdk: () => Sdk) {
  const create = (input: Item[], more: object = {}, client = theSdk().client) =>
    client.responses.create({
      model: "porter",
      input: input as unknown as OpenAI.Responses.ResponseInput,
      ...more,
    });
  const mails = () => theSdk().stack.stack.mailbox.sent.length;
  return {
    create,
    mails,
    /** The question is a new one each time, because the same one again would be the same response. */
    async ask(...plan: string[]) {
      const question = {
        role: "user",
        content: `${crypto.randomUUID()} [[plan: ${plan.join("; ")}]]`,
      };
      const asked = await create([question]);
      assert.equal(asked.status, "completed");
      return { question, asked };
    },
    /** Asserts that the job continued with these answers to its end, and sent one email. */
    async done(answering: Promise<Response>, asked: Response, before: number) {
      const answered = await answering;
      assert.deepEqual([answered.id, answered.status], [asked.id, "completed"]);
      assert.deepEqual([callsOf(answered), requestsOf(answered)], [[], []]);
      assert.match(answered.output_text, /open_door returned: it is open/);
      assert.equal(mails() - before, 1);
    },
  };
}
