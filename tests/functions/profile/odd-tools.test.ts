/** Tools whose own code throws what nobody expects, or never ends: the model gets the reason, and no attempt is lost. */
import assert from "node:assert/strict";
import { z } from "zod";
import { workerError } from "../../../supabase/functions/_durable_responses/openai/classify.ts";
import { describe } from "../../../supabase/functions/_durable_responses/platform/log.ts";
import {
  sqlTool,
  tool,
} from "../../../supabase/functions/_durable_responses/profiles/own-tools.ts";
import { postgresTool } from "../../../supabase/functions/_durable_responses/tools/own/postgres-tool.ts";
import { functionTool } from "../../../supabase/functions/_durable_responses/tools/own/function-tool.ts";

const inputSchema = z.object({ a: z.string() });
const named = { name: "odd", description: "Is odd.", execute: () => "done" };

const unshowable: readonly unknown[] = [
  Object.create(null),
  Object.defineProperty(new Error("x"), "message", {
    get() {
      throw new Error("no");
    },
  }),
  { toString: () => Object.create(null) },
];

Deno.test("an error that cannot be shown as text is an error all the same", () => {
  for (const error of unshowable) {
    assert.match(describe(error), /cannot be shown as text/);
    assert.match(workerError(error).message, /cannot be shown as text/);
  }
});

Deno.test("a schema whose check throws refuses the arguments, in words", async () => {
  for (const error of [new Error("broke"), ...unshowable]) {
    const throwing = inputSchema.refine(() => {
      throw error;
    });
    const read = await functionTool(tool({ ...named, inputSchema: throwing })).read('{"a":"x"}');
    assert.ok("error" in read);
    assert.match(read.error, /^The arguments cannot be checked: (?:broke|.*cannot be shown)/);
  }
});

Deno.test("a schema that gives no object refuses the arguments of a Postgres function", async () => {
  for (const made of [undefined, null, "text", ["a"]]) {
    const sql = sqlTool({
      name: "odd",
      description: "Is odd.",
      function: "public.odd",
      inputSchema: inputSchema.transform(() => made),
    });
    const read = await postgresTool(sql).read('{"a":"x"}');
    assert.ok("error" in read);
    assert.match(read.error, /must give an object/);
  }
});

Deno.test("arguments that Postgres would get as others are refused", async () => {
  const sql = postgresTool(sqlTool({
    name: "odd",
    description: "Is odd.",
    function: "public.odd",
    inputSchema: z.object({ a: z.any() }),
  }));
  const deep = "[".repeat(200) + "]".repeat(200);
  for (
    const [a, why] of [['"\\u0000"', "U\\+0000"], ['"\\ud800"', "half of a"], [deep, "too deep"]]
  ) {
    const read = await sql.read(`{"a":${a}}`);
    assert.ok("error" in read);
    assert.match(
      read.error,
      new RegExp(`^Not called: Postgres cannot take the arguments: .*${why}`),
    );
  }
  assert.ok(!("error" in await sql.read('{"a":"😀"}')));
});

Deno.test("a time limit that no timer can take is refused", () => {
  for (const timeoutMs of [0, -1, NaN, Infinity, 2 ** 31]) {
    assert.throws(
      () => tool({ ...named, inputSchema, timeoutMs }),
      /timeoutMs must be more than 0 and at most 2147483647: it is/,
    );
  }
});
