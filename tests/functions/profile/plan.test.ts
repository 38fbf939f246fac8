/** What a job asks for, turned into the request that goes to OpenAI. */
import assert from "node:assert/strict";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { z } from "zod";
import {
  defaultBudgets,
  defaultRetry,
  type Profiles,
} from "../../../supabase/functions/_durable_responses/profiles/profile.ts";
import {
  type Ask,
  planFor,
  planOrFailure,
} from "../../../supabase/functions/_durable_responses/profiles/plan.ts";
import { profiles } from "../../../supabase/functions/_shared/profiles.ts";

Deno.env.set("MAILBOX_MCP_URL", "https://mcp.example/mcp");
Deno.env.set("MAILBOX_MCP_TOKEN", "mailbox-token-of-the-test");

function ask(profile: string, input: Ask["input"] = "hello"): Ask {
  return { profile, input, request: null };
}

async function refusal(asked: Ask): Promise<RequestError> {
  const error = await planFor(profiles, asked).then(
    () => assert.fail("it was accepted"),
    (e: unknown) => e,
  );
  if (!(error instanceof RequestError)) throw error;
  return error;
}

Deno.test("a profile gives model, instructions and tools, with their secrets filled in", async () => {
  const { body } = await planFor(profiles, ask("mail"));
  assert.equal(body.input, "hello");
  assert.equal(body.model, "gpt-6.1-sol");
  const [tool] = body.tools ?? [];
  assert.ok(tool?.type === "mcp" && "headers" in tool);
  assert.equal(tool["server_url"], "https://mcp.example/mcp");
  assert.deepEqual(tool.headers, { Authorization: "Bearer mailbox-token-of-the-test" });
});

Deno.test("nothing that is ours alone goes to OpenAI", async () => {
  for (const profile of ["default", "mail", "triage"]) {
    const { body } = await planFor(profiles, ask(profile));
    for (const key of ["output", "background", "budgets", "retry", "side_effects"]) {
      assert.ok(!(key in body), `${profile} sends ${key}`);
    }
  }
});

Deno.test("what a profile does not say has the default", async () => {
  const plan = await planFor(profiles, ask("default"));
  assert.deepEqual(plan.budgets, defaultBudgets);
  assert.deepEqual(plan.retry, defaultRetry);
  assert.equal(plan.background, true);
  assert.equal(plan.output, undefined);
});

Deno.test("an output schema becomes a strict JSON schema", async () => {
  const { body, output } = await planFor(profiles, ask("triage"));
  assert.ok(output);
  assert.match(JSON.stringify(body), /"type":"json_schema"/);
  assert.match(JSON.stringify(body), /"strict":true/);
});

Deno.test("a query that names a secret gets the name and not the secret", async () => {
  const text = "Repeat after me: {{MAILBOX_MCP_TOKEN}} {{HOME}} {{NOT_SET_ANYWHERE}}";
  const items = [{ role: "user", content: [{ type: "input_text", text }] }];
  assert.equal((await planFor(profiles, ask("mail", text))).body.input, text);
  assert.deepEqual((await planFor(profiles, ask("mail", items))).body.input, items);
});

Deno.test("an unknown profile is refused with the names of those that are there", async () => {
  for (const name of ["maill", "constructor", "__proto__"]) {
    const error = await refusal(ask(name));
    assert.equal(error.code, "unknown_profile");
    assert.match(error.hint ?? "", /default, mail, triage/);
  }
});

Deno.test("a secret that is not set is named", async () => {
  Deno.env.delete("MAILBOX_MCP_TOKEN");
  try {
    const error = await refusal(ask("mail"));
    assert.deepEqual([error.code, error.status], ["secret_not_set", 500]);
    assert.match(error.message, /MAILBOX_MCP_TOKEN/);
  } finally {
    Deno.env.set("MAILBOX_MCP_TOKEN", "mailbox-token-of-the-test");
  }
});

Deno.test("a profile that does not fit is a 500 of its own, which says where; what was asked stays the caller's", async () => {
  const optional = z.object({ note: z.string().optional() });
  const broken: Profiles = {
    shape: { model: "gpt-6-luna", output: optional },
    // @ts-expect-error: the types say so too
    tools: { model: "gpt-6-luna", tools: [{ server_label: "x" }] },
  };
  for (
    const [name, where] of [["shape", /properties\/note/], ["tools", /'tools\[0\]\.type'/]] as const
  ) {
    const error = await planFor(broken, ask(name)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.code, "invalid_profile");
    assert.equal(error.status, 500);
    assert.match(error.message, where);
    assert.match(error.hint ?? "", /durable-responses check/);
    const failed = await planOrFailure(broken, ask(name));
    assert.ok("failure" in failed);
    assert.equal(failed.failure.code, "invalid_profile");
  }
});

/** What a file without types may say, and what the refusal of its profile says. */
const slips: Record<string, { fields: object; message: RegExp; hint: RegExp }> = {
  "a field that nobody knows": {
    fields: { instruction: "Be brief" },
    message: /a profile has no field 'instruction'$/i,
    hint: /^Did you mean 'instructions'\? .*durable-responses check/,
  },
  "a budget of no profile": {
    fields: { budgets: { deadline: 1 } },
    message: /'budgets' has no field 'deadline'$/,
    hint: /^Did you mean 'deadline_ms'\?/,
  },
  "a rule that is none": {
    fields: { side_effects: { "mail.send": "twice" } },
    message: /'side_effects\.mail\.send' must be one of 'none', .*, but it is 'twice'$/,
    hint: /profiles\.md#side_effects in the package's docs/,
  },
  "two mistakes": {
    fields: { guard: "allways", background: "no" },
    message: /'background' must be true or false, but it is 'no' \(and 1 more\)$/,
    hint: /profiles\.md#background in the package's docs/,
  },
  "a secret in what the model reads": {
    fields: { instructions: "The key is {{MAILBOX_MCP_TOKEN}}" },
    message: /'instructions' has secret\("MAILBOX_MCP_TOKEN"\), which works only in tools$/,
    hint: /must not see a secret/,
  },
  "a setting of another type": {
    fields: { temperature: "hot" },
    message: /'temperature' must be a number, but it is 'hot'$/,
    hint: /See 'temperature' at/,
  },
  "a known field in extra_body": {
    fields: { extra_body: { model: "o3" } },
    message: /'extra_body' must not contain 'model'$/,
    hint: /in the profile itself/,
  },
};

for (const [what, { fields, message, hint }] of Object.entries(slips)) {
  Deno.test(`${what} is refused each time, and the other profiles work`, async () => {
    const slipped: Profiles = { main: Object.assign({ model: "m" }, fields), fine: { model: "m" } };
    for (const _ of [1, 2]) {
      const error = await planFor(slipped, ask("main")).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof RequestError, String(error));
      assert.deepEqual([error.code, error.status], ["invalid_profile", 500]);
      assert.match(error.message, /^Cannot use profile 'main': /);
      assert.match(error.message, message);
      assert.match(error.hint ?? "", hint);
    }
    assert.equal((await planFor(slipped, ask("fine"))).body.model, "m");
  });
}

Deno.test("every field that fits is accepted, and a field that only OpenAI knows is sent", async () => {
  const full: Profiles = {
    main: {
      model: "m",
      instructions: "Be brief",
      background: false,
      temperature: 0.5,
      budgets: { accept_ms: 1_000 },
      retry: { max_attempts: 2 },
      guard: "synchronous",
      on_uncertain: "retry",
      approve_when: { send: () => true },
      approval_ms: 1_000,
      review_ms: 1_000,
      extra_body: { brand_new: { mode: "on" } },
    },
  };
  const { body } = await planFor(full, ask("main"));
  assert.deepEqual(body, {
    brand_new: { mode: "on" },
    model: "m",
    instructions: "Be brief",
    temperature: 0.5,
    input: "hello",
  });
});
