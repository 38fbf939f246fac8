/** Which profiles may do something that must not be done twice, so that the same question is answered only once. */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  defineProfiles,
  mcp,
  type Profile,
  tool,
} from "../../../supabase/functions/_durable_responses/mod.ts";
import { planFor } from "../../../supabase/functions/_durable_responses/profiles/plan.ts";
import { planHasOnceTools } from "../../../supabase/functions/_durable_responses/tools/own/plan-has-once-tools.ts";

const model = "gpt-6.1-terra";
const server = {
  type: "mcp",
  server_label: "mailbox",
  server_url: "https://mail.example/mcp",
  require_approval: "never",
} as const;
const ours = (effect?: "none" | "once") =>
  tool({
    name: "send",
    description: "Sends a note.",
    inputSchema: z.object({ body: z.string() }),
    execute: () => "sent",
    ...(effect && { effect }),
  });

const acting: Record<string, Profile> = {
  "a server": { model, tools: [server] },
  "a server that the worker calls": { model, tools: [mcp({ ...server, run_by: "worker" })] },
  "a tool of ours": { model, tools: [ours()] },
  "a tool of ours that a rule makes once": {
    model,
    tools: [ours("none")],
    side_effects: { send: "once" },
  },
};
const harmless: Record<string, Profile> = {
  "no tools": { model },
  "a tool of OpenAI's that reads": { model, tools: [{ type: "web_search" }] },
  "a server by rule": {
    model,
    tools: [{ ...server, allowed_tools: ["find"] }],
    side_effects: { find: "none" },
  },
  "a server that the worker calls, by rule": {
    model,
    tools: [mcp({ ...server, run_by: "worker", allowed_tools: ["find"] })],
    side_effects: { find: "none" },
  },
  "a tool of ours that reads": { model, tools: [ours("none")] },
};

for (const [may, cases] of [[true, acting], [false, harmless]] as const) {
  for (const [what, profile] of Object.entries(cases)) {
    Deno.test(`with ${what} a job may ${may ? "" : "not "}act once`, async () => {
      const ask = { profile: "default", input: "hi", request: null };
      const plan = await planFor(defineProfiles({ default: profile }), ask);
      assert.equal(planHasOnceTools(plan), may);
    });
  }
}
