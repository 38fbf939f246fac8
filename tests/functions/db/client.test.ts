/** Calls of SQL functions: the error for each of PostgREST's answers, and which calls are repeated. */
import assert from "node:assert/strict";
import { call } from "../../../supabase/functions/_durable_responses/db/client.ts";
import { schemaMajor } from "../../../supabase/functions/_durable_responses/db/schema-version.ts";
import {
  repeatableSqlstates,
  sqlstates,
} from "../../../supabase/functions/_durable_responses/model/refusals.ts";
import * as z from "../../../supabase/functions/_durable_responses/model/zod.ts";
import {
  isUnavailable,
  RequestError,
} from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { forFile } from "../../support/for-file.ts";
import { setEnvironment } from "../support/environment.ts";

interface Seen {
  path: string;
  key: string | null;
  authorization: string | null;
  body: unknown;
}

/** A PostgREST with given answers, one after the other. The last one is repeated. */
const theDatabase = forFile((parts) => {
  const state = { answers: [() => new Response()], seen: [] as Seen[] };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      state.seen.push({
        path: new URL(request.url).pathname,
        key: request.headers.get("apikey"),
        authorization: request.headers.get("authorization"),
        body: await request.json(),
      });
      const [next] = state.answers.length > 1 ? state.answers.splice(0, 1) : state.answers;
      assert.ok(next);
      return next();
    },
  );
  parts.defer(() => server.shutdown());
  setEnvironment(parts, {
    SUPABASE_URL: `http://127.0.0.1:${server.addr.port}`,
    SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of_the_test"}',
  });
  return Promise.resolve(state);
});

const refusal = (status: number, code: string, message = "as it says") => () =>
  Response.json({ code, message, details: null, hint: null }, { status });
const good = () => Response.json("good");

/** Calls the function `probe`, and reports the requests. */
async function probe(...answers: (() => Response)[]) {
  const database = theDatabase();
  Object.assign(database, { answers, seen: [] });
  try {
    return { result: await call("probe", { p_job_id: "1" }, z.string()), seen: database.seen };
  } catch (error) {
    assert.ok(error instanceof RequestError, `${error}`);
    return { error, seen: database.seen };
  }
}

Deno.test("a call is one POST with the secret key, and its result is parsed", async () => {
  const { result, seen } = await probe(good);
  assert.equal(result, "good");
  assert.deepEqual(seen, [{
    path: "/rest/v1/rpc/probe",
    key: "sb_secret_of_the_test",
    authorization: "Bearer sb_secret_of_the_test",
    body: { p_job_id: "1" },
  }]);
});

for (const [state, code] of Object.entries(sqlstates)) {
  Deno.test(`${state} is ${code}, and is not repeated`, async () => {
    const { error, seen } = await probe(refusal(400, state));
    assert.equal(error?.code, code);
    assert.match(error.message, /as it says/);
    assert.equal(seen.length, 1);
  });
}

for (const state of repeatableSqlstates) {
  Deno.test(`${state} is repeated until the call goes through`, async () => {
    const { result, seen } = await probe(refusal(500, state), refusal(500, state), good);
    assert.equal(result, "good");
    assert.equal(seen.length, 3);
  });

  Deno.test(`${state} four times is 503, and the caller may try again`, async () => {
    const { error, seen } = await probe(refusal(500, state));
    assert.deepEqual([error?.code, error?.status], ["database_unavailable", 503]);
    assert.ok(error?.retryAfterS);
    assert.equal(seen.length, 4);
  });
}

Deno.test("after a repeat the answer counts, whatever it is", async () => {
  const { error, seen } = await probe(refusal(500, "40P01"), refusal(409, "DR410"));
  assert.equal(error?.code, "stale_attempt");
  assert.equal(seen.length, 2);
});

for (
  const [name, answer, code] of [
    ["a statement that was cancelled", refusal(500, "57014"), "database_unavailable"],
    ["a database that is starting", refusal(503, "57P03"), "database_unavailable"],
    ["a PostgREST without a connection", refusal(503, "PGRST001"), "database_unavailable"],
    ["a gateway's page", () => new Response("<html>", { status: 502 }), "database_unavailable"],
    ["a 500 with nothing in it", () => new Response("", { status: 500 }), "database_unavailable"],
    ["a 404 with nothing in it", () => new Response("", { status: 404 }), "database_unavailable"],
    ["a 404 with a list", () => Response.json([], { status: 404 }), "database_unavailable"],
    ["a 403 with other JSON", () => Response.json({}, { status: 403 }), "database_unavailable"],
    ["a 400 with a blank in it", () => new Response(" ", { status: 400 }), "database_unavailable"],
    ["a value that fits no column", refusal(400, "22003"), "invalid_request"],
    ["a constraint", refusal(400, "23514"), "invalid_request"],
    ["a function that fails", refusal(500, "XX000"), "internal_error"],
  ] as const
) {
  Deno.test(`${name} is ${code}, and is not repeated`, async () => {
    const { error, seen } = await probe(answer);
    assert.equal(error?.code, code);
    assert.equal(seen.length, 1);
  });
}

for (const state of ["DR426", "PGRST202"]) {
  Deno.test(`${state}: functions and schema of two versions are told to be deployed together`, async () => {
    const { error } = await probe(refusal(404, state));
    assert.deepEqual([error?.code, error?.status], ["schema_mismatch", 503]);
    assert.match(error?.hint ?? "", /Apply the migrations, then deploy the functions/);
    assert.ok(error?.retryAfterS);
    // A result that cannot be written yet is kept, as if the database were away.
    assert.ok(isUnavailable(error));
  });
}

Deno.test("the functions name the major version of the schema that they are for", () => {
  assert.equal(schemaMajor, 1);
});
