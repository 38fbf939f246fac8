/** Which HTTP answers to a call say that it was not made. A gateway may answer in the place of a server that has made it. */
import assert from "node:assert/strict";
import {
  isRefusedWith,
  saysForgotten,
} from "../../../supabase/functions/_durable_responses/tools/mcp/refused-with.ts";

const rpc = (message: string) =>
  JSON.stringify({ jsonrpc: "2.0", error: { code: -32_000, message }, id: null });
const page = "<html><title>404 Not Found</title></html>";

const refused: [number, string][] = [
  [401, "token expired"],
  [429, page],
  [413, "Request Entity Too Large"],
  [307, "Redirect to http://elsewhere not followed"],
  [400, rpc("Bad Request: No valid session ID provided")],
  [404, rpc("Session not found")],
  [404, "There is no such session"],
  [404, ""],
  [403, rpc("Forbidden")],
];
for (const [status, body] of refused) {
  Deno.test(`${status} ${body.slice(0, 40)}: the call was not made`, () => {
    assert.equal(isRefusedWith(status, body), true);
  });
}

const unclear: [number, string][] = [
  [404, page],
  [403, page],
  [400, "Upstream error: the mailbox session was closed after SEND"],
  [409, '{"error":"in progress"}'],
  [424, '{"error":"dependency timed out"}'],
  [460, ""],
  [413, "Response payload size exceeded"],
  [302, ""],
  [504, page],
];
for (const [status, body] of unclear) {
  Deno.test(`${status} ${body.slice(0, 40)}: nobody knows`, () => {
    assert.equal(isRefusedWith(status, body), false);
    assert.equal(saysForgotten(status, body), false);
  });
}

Deno.test("only an answer about the session opens a new one", () => {
  assert.ok(saysForgotten(404, "There is no such session"));
  assert.ok(saysForgotten(400, rpc("Bad Request: No valid session ID provided")));
  assert.ok(!saysForgotten(400, rpc("Invalid arguments")));
});
