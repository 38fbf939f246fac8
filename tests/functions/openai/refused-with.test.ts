/** Which answers with an error status say that a request was not carried out. */
import assert from "node:assert/strict";
import { refusalOf } from "../../../supabase/functions/_durable_responses/openai/call.ts";
import { classifyError } from "../../../supabase/functions/_durable_responses/openai/classify.ts";

interface Answer {
  status: number;
  body?: unknown;
  id?: string;
}

async function isRefused({ status, body = "", id }: Answer): Promise<boolean> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = id === undefined ? {} : { "x-request-id": id };
  const failure = classifyError(await refusalOf(new Response(text, { status, headers })));
  assert.notEqual(failure.code, "worker_error");
  return failure.maybeAccepted !== true;
}

const error = { message: "no", type: "invalid_request_error", param: null, code: null };
const page = "<html>\r\n<head><title>An error of nginx</title></head></html>";
/** Bodies of gateways, none in the form of the API's errors. */
const pages: Record<string, unknown> = {
  "nothing": "",
  "a page": page,
  "a word": "Forbidden",
  "JSON of Kong and of Amazon": { message: "no", request_id: "1" },
  "JSON of Azure": { statusCode: 400, message: "no" },
  "JSON of Spring": { timestamp: 1, status: 400, error: "Bad Request", path: "/v1/responses" },
  "a problem document": { type: "about:blank", title: "Bad Request", detail: "no" },
  "a list": "[]",
};

/** A gateway, too, says these only before it forwards a request. */
const byAnyone = [401, 402, 407, 411, 413, 414, 415, 417, 421, 426, 429, 431];
/** These it may also say for an answer that it could not read, or did not like. */
const byApi = [400, 403, 404, 405, 422, 451];
const byNobody = [408, 409, 410, 424, 425, 460, 494, 499, 501, 502, 504, 520, 522, 524, 529];

for (const status of [...byAnyone, ...byApi, ...byNobody, 500, 503]) {
  const isBelieved = byAnyone.includes(status);
  Deno.test(`a gateway's ${status} is ${isBelieved ? "a no" : "no answer"}, with a request id too`, async () => {
    for (const [what, body] of Object.entries(pages)) {
      assert.equal(await isRefused({ status, body }), isBelieved, what);
      assert.equal(await isRefused({ status, body, id: "req_of_a_gateway" }), isBelieved, what);
    }
  });

  const isApis = isBelieved || byApi.includes(status);
  const hasId = isApis || status === 500 || status === 503;
  Deno.test(`a ${status} in the API's form is ${isApis ? "a no" : "no answer"}, with its id ${hasId ? "a no" : "no answer"}`, async () => {
    assert.equal(await isRefused({ status, body: { error } }), isApis);
    assert.equal(await isRefused({ status, body: { error }, id: "req_1" }), hasId);
  });
}

Deno.test("a gateway's page about the way to OpenAI says nothing about the key or the model", async () => {
  for (const status of [403, 404, 405, 451]) {
    for (const [what, body] of Object.entries(pages)) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const { code } = classifyError(await refusalOf(new Response(text, { status })));
      assert.equal(code, "answer_unreadable", `${status}: ${what}`);
    }
    const { code } = classifyError(await refusalOf(Response.json({ error }, { status })));
    assert.notEqual(code, "answer_unreadable");
  }
});

Deno.test("a server that names its error without an `error` around it is believed", async () => {
  const body = { object: "error", message: "no", type: "BadRequestError", param: null, code: 400 };
  assert.ok(await isRefused({ status: 400, body }));
});

Deno.test("a 413 about the answer comes after the request", async () => {
  const message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
  for (const body of [message, { errorMessage: message }, { error: { message } }]) {
    assert.equal(await isRefused({ status: 413, body }), false);
  }
  const named = { ...error, code: "string_above_max_length", message: "The response body is long" };
  assert.ok(await isRefused({ status: 413, body: { error: named } }));
});

Deno.test("the message has the beginning of a page, on one line", async () => {
  const answer = new Response(page + "x".repeat(500), { status: 413 });
  const { message } = classifyError(await refusalOf(answer));
  assert.match(message, /^OpenAI answered 413: '<html> <head><title>An error of nginx.*…'$/);
});
