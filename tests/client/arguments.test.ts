/** Bad arguments throw before any request is sent. */
import assert from "node:assert/strict";
import { ArgumentError, createDurableResponses } from "../../packages/client/src/index.ts";
import { clientWith, json, someJob } from "./support/fetching.ts";

/** Calls as JavaScript can make them, with arguments that the types forbid. */
type Loose = Record<string, (...args: unknown[]) => Promise<unknown>>;

const id = someJob.id;
const bad: [method: string, args: unknown[], message: RegExp][] = [
  ["submit", [], /a query is an object/],
  ["submit", ["hello"], /a query is an object/],
  ["submit", [{}], /exactly one of query, input and request .* not none/],
  ["submit", [{ query: "a", input: "b" }], /not query and input/],
  ["submit", [{ query: "  " }], /query must not be empty/],
  ["submit", [{ query: 1 }], /query must be text, not number/],
  ["submit", [{ input: [] }], /input must not be empty/],
  ["submit", [{ query: "a", profile: 1 }], /profile must be a name/],
  [
    "submit",
    [{ query: "a" }, { idempotencyKey: "" }],
    /idempotencyKey must be/,
  ],
  [
    "submit",
    [{ query: "a" }, { idempotencyKey: "ä" }],
    /idempotencyKey must be/,
  ],
  [
    "submit",
    [{ query: "a" }, { wait: 121 }],
    /wait must be 0 to 120 seconds, not 121/,
  ],
  ["submit", [{ query: "a" }, { wait: "5" }], /wait must be/],
  ["get", ["42"], /a job's id is a UUID/],
  ["get", [undefined], /by 'undefined'/],
  ["cancel", ["../respond"], /a job's id is a UUID/],
  ["retry", [null], /a job's id is a UUID/],
  ["approve", [id, {}], /approve must be true or false/],
  ["resolve", [id, { outcome: "maybe" }], /outcome must be/],
  ["toolOutput", [id, { output: "x" }], /callId must be the call_id/],
  ["toolOutput", [id, { callId: "call_1", output: 1 }], /output must be text/],
  ["toolOutput", [id, { type: "shell_call_output" }], /call_id must be the call_id/],
  ["toolOutput", [id, { type: "shell_call", call_id: "call_1" }], /type must be that of an item/],
  ["result", ["nope"], /a job's id is a UUID/],
  ["result", [id, { timeout: -1 }], /timeout must be milliseconds/],
  ["list", [{ limit: 0 }], /limit must be a whole number from 1 to 200, not 0/],
  ["list", [{ status: "done" }], /status must be one of .* not 'done'/],
  ["list", [{ cursor: "next" }], /cursor must be `next` of the page before/],
];

for (const [method, args, message] of bad) {
  const shown = JSON.stringify(args).slice(1, -1);
  Deno.test(`${method}(${shown}) throws and sends nothing`, async () => {
    const { responses, sent } = clientWith([json(200, someJob)]);
    const loose: Loose = Object.fromEntries(Object.entries(responses));
    await assert.rejects(
      async () => await loose[method]?.(...args),
      (error) => {
        assert.ok(error instanceof ArgumentError);
        assert.equal(error.code, "invalid_argument");
        assert.match(error.message, message);
        return true;
      },
    );
    assert.equal(sent.length, 0);
  });
}

Deno.test("watch of what is no id throws at once, not in the loop", () => {
  const { responses, sent } = clientWith([json(200, someJob)]);
  assert.throws(() => responses.watch("nope"), ArgumentError);
  assert.equal(sent.length, 0);
});

Deno.test("a client is made of a supabase-js client and nothing else", () => {
  for (const given of [{}, undefined, "https://project.supabase.co"]) {
    assert.throws(
      () => Reflect.apply(createDurableResponses, undefined, [given]),
      /must be a supabase-js client/,
    );
  }
});
