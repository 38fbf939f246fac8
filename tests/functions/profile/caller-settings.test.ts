/** What callers may set about a profile's tools, whoever runs them. */
import assert from "node:assert/strict";
import {
  defineProfiles,
  mcp,
  type Profile,
} from "../../../supabase/functions/_durable_responses/mod.ts";
import { createBodySchema } from "../../../supabase/functions/_durable_responses/api/openai/create-body.ts";
import { settingsBeyond } from "../../../supabase/functions/_durable_responses/api/openai/profile-rules.ts";
import { planFor } from "../../../supabase/functions/_durable_responses/profiles/plan.ts";

const server = { server_label: "mailbox", server_url: "https://mail.example/mcp" } as const;
const servers = {
  "OpenAI calls": { type: "mcp", ...server },
  "the worker calls": mcp({ ...server, run_by: "worker" }),
} as const;

for (const [who, tool] of Object.entries(servers)) {
  const profile: Profile = { model: "gpt-6.1-terra", tools: [tool] };
  const ask = async (tools: unknown[]) => {
    const query = { profile: "main", input: "hi", request: null };
    const plan = await planFor(defineProfiles({ main: profile }), query);
    return settingsBeyond(
      createBodySchema.parse({ model: "main", input: "hi", tools }),
      plan,
      profile,
    );
  };

  Deno.test(`a server that ${who} may be named`, async () => {
    assert.equal(await ask([{ type: "mcp", server_label: "mailbox" }]), null);
  });

  Deno.test(`a server that ${who} may be narrowed`, async () => {
    assert.deepEqual(
      await ask([{ type: "mcp", server_label: "mailbox", allowed_tools: ["find"] }]),
      { tools: { mailbox: { allowed_tools: ["find"] } } },
    );
  });

  Deno.test(`beside a server that ${who} another is refused`, async () => {
    await assert.rejects(ask([{ type: "mcp", server_label: "other" }]), /no server "other"/);
  });
}

Deno.test("a server of which nothing is left is not sent at all: an empty list could mean all", async () => {
  const narrowed = { mailbox: { allowed_tools: ["find"] } };
  for (
    const allowed_tools of [["reply"], { tool_names: ["reply"] }, {
      tool_names: ["reply"],
      read_only: true,
    }]
  ) {
    const profile = {
      model: "gpt-6.1-terra",
      tools: [{ type: "mcp" as const, ...server, allowed_tools }],
    };
    const ask = { profile: "main", input: "hi", request: null, settings: { tools: narrowed } };
    const plan = await planFor(defineProfiles({ main: profile }), ask);
    assert.deepEqual(plan.body.tools, []);
  }
});
