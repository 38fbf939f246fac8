/** What refusals must look like, at our endpoints and at the OpenAI-compatible ones. */
import assert from "node:assert/strict";
import { z } from "zod";
import { requestErrors } from "../../../supabase/functions/_durable_responses/model/refusals.ts";

/** A refusal quotes only a part of what was sent. The longest refusal names every profile. In characters. */
const mostRepeated = 10_000;

export interface Seen {
  status: number;
  headers: Headers;
  text: string;
}

export async function see(answer: Promise<Response>): Promise<Seen> {
  const response = await answer;
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const ours = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string().min(1),
    hint: z.string().min(1).optional(),
  }),
});
const openais = z.strictObject({
  error: z.strictObject({
    message: z.string().min(1),
    type: z.literal("invalid_request_error"),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** Asserts that a refusal is in docs/errors.md: 4xx, with the status of its code. */
export function assertDocumented({ status, headers, text }: Seen): void {
  assert.ok(status >= 400 && status < 500, `${status} ${text}`);
  assert.ok(status !== 405 || headers.get("allow"), "a 405 without Allow");
  assert.equal(headers.get("access-control-allow-origin"), "*");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.ok(text.length < mostRepeated, `${text.length} characters`);
  // An answer to HEAD has no body.
  if (text === "") return;
  const { code, message } = ours.parse(JSON.parse(text)).error;
  assert.equal(new Map<string, number>(Object.entries(requestErrors)).get(code), status, text);
  assert.ok(!/\s at |\.ts:|node_modules/.test(message), `a stack trace: ${message}`);
}

/** Asserts that a refusal is in OpenAI's shape, and that the openai SDK does not send the request again. */
export function assertOpenAIRefusal({ status, headers, text }: Seen): void {
  assert.ok(status >= 400 && status < 500, `${status} ${text}`);
  assert.ok(status !== 405 || headers.get("allow"), "a 405 without Allow");
  assert.equal(headers.get("x-should-retry"), "false");
  assert.match(headers.get("x-request-id") ?? "", /^req_/);
  if (text === "") return;
  const { message } = openais.parse(JSON.parse(text)).error;
  assert.ok(!/\s at |\.ts:|node_modules/.test(message), `a stack trace: ${message}`);
}
