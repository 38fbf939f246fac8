/** How a request ended, by what its events say, in whatever they are wrapped. */
import assert from "node:assert/strict";
import { RunReader } from "../../../supabase/functions/_durable_responses/openai/read-run.ts";

const ignore = () => {};
const reader = () =>
  new RunReader({
    key: { id: crypto.randomUUID(), attempt: 1 },
    onItemStarted: ignore,
    onArguments: ignore,
    onItem: ignore,
  });
const response = (status: string) => ({ id: "resp_1", object: "response", status, output: [] });

for (
  const error of [
    {},
    [],
    { code: "", message: "" },
    { code: null, type: null },
    0,
    "",
    "none",
    "None",
    "null",
    null,
    false,
  ]
) {
  Deno.test(`an event with ${JSON.stringify(error)} as its error is no error`, () => {
    assert.equal(reader().read({ type: "response.in_progress", error }), undefined);
  });
}

Deno.test("an error that says nothing is one in an event that is about an error", () => {
  const ending = reader().read({ type: "error", error: {} });
  assert.equal(ending?.kind === "failed" && ending.failure.code, "openai_server_error");
});

for (const wrapped of ["response", "data"]) {
  Deno.test(`a whole response in an object's '${wrapped}' is the answer once it is final`, () => {
    const read = (status: string) => reader().read({ [wrapped]: response(status) });
    assert.equal(read("completed")?.kind, "done");
    assert.equal(read("in_progress"), undefined);
  });
}
