/** What /v1 refuses, it says of responses, by the ids that callers know. The database and the other functions speak of jobs. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import { find, open, outputsOf, porterOn, reply, yesesOf } from "./support/porter.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
const { ask, create } = porterOn(theSdk);

type Told = InstanceType<typeof OpenAI.APIError>;

/** @param names a word that says what to do */
function speaksOfResponses({ message, code, type }: Told, wanted: string, names: RegExp): void {
  assert.equal(code, wanted, message);
  assert.equal(type, "invalid_request_error");
  assert.doesNotMatch(
    message,
    /\bjobs?\b|\bGET the\b|"waiting"|awaiting_|[0-9a-f]{8}-[0-9a-f]{4}-/i,
  );
  assert.match(message, names);
}

Deno.test("answers after a cancel, and to a response that has ended", async () => {
  const { client } = theSdk();
  for (const end of ["cancelled", "completed"] as const) {
    const { asked } = await ask(find, open("1"), reply);
    if (end === "cancelled") await client.responses.cancel(asked.id);
    else await create([...yesesOf(asked), ...outputsOf(asked)]);
    const answers = { call: outputsOf(asked, "other"), request: yesesOf(asked, false) };
    for (const [what, input] of Object.entries(answers)) {
      const error = await refusalOf(create(input));
      speaksOfResponses(error, "invalid_state", new RegExp(`${asked.id} has ended.*${end}`));
      assert.equal(error.status, 409);
      assert.equal(
        error.param,
        what === "call" ? "input[0].call_id" : "input[0].approval_request_id",
      );
      assert.equal(error.headers?.get("x-response-id"), asked.id);
    }
  }
});

Deno.test("another answer than the accepted one, while the response waits for the rest", async () => {
  const { asked } = await ask(find, open("1"), reply);
  await create(outputsOf(asked));
  const error = await refusalOf(create(outputsOf(asked, "other")));
  speaksOfResponses(error, "invalid_state", new RegExp(`${asked.id}.*retrieve it`));
});

Deno.test("more outputs than calls, both yes and no, and too many answers at once", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const two = [...outputsOf(asked), ...outputsOf(asked, "other")];
  speaksOfResponses(await refusalOf(create(two)), "invalid_request", /Give one output/);
  const both = [...yesesOf(asked), ...yesesOf(asked, false)];
  speaksOfResponses(await refusalOf(create(both)), "invalid_request", /Give one answer/);
  const many = Array.from({ length: 1_001 }, () => yesesOf(asked)).flat();
  speaksOfResponses(await refusalOf(create(many)), "invalid_request", /1 to 1000/);
});

Deno.test("too many unfinished responses of a user", async () => {
  const { stack } = theSdk();
  await stack.sql`update public.response_settings set max_unfinished_per_user = 1`;
  try {
    const { token } = await stack.stack.createUser();
    const client = theSdk().clientWith({ apiKey: token });
    const asking = (door: string) =>
      create([{ role: "user", content: `[[plan: ${open(door)}]]` }], {}, client);
    const asked = await asking("1");
    const error = await refusalOf(asking("2"));
    speaksOfResponses(error, "too_many_jobs", /cancel some/);
    await client.responses.cancel(asked.id);
  } finally {
    await stack.sql`update public.response_settings set max_unfinished_per_user = default`;
  }
});
