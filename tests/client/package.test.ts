/** The package as npm would install it: built, used by Node, and type-checked in an adopter's project. */
import assert from "node:assert/strict";
import { runProcess } from "../../packages/dev/processes.ts";
import { checkTypesIn, withProject } from "./support/project.ts";
import { sharedBusyStack } from "../support/shared-stack.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";

const theStack = sharedBusyStack(onClientProfiles);

const program = `
import { createClient } from "@supabase/supabase-js";
import { createDurableResponses, ArgumentError } from "durable-responses-client";
import ws from "ws";

const [url, key, token] = process.argv.slice(2);
const supabase = createClient(url, key, {
  accessToken: async () => token,
  realtime: { transport: ws },
});
const responses = createDurableResponses(supabase);
const job = await responses.submit({ query: "[[plan: reason; sleep 300ms]] Say hello" });
const states = new Set();
const signal = AbortSignal.timeout(60_000);
for await (const update of responses.watch(job.id, { signal })) {
  if (update.type === "connection") states.add(update.state);
}
const done = await responses.result(job.id);
const refused = await responses.get("nope").catch((error) => error instanceof ArgumentError);
console.log(JSON.stringify({ status: done.status, states: [...states], refused }));
// supabase-js keeps its socket open for a while. Without it, the program ends by itself.
await supabase.realtime.disconnect();
`;

const typed = `
import { createClient } from "@supabase/supabase-js";
import { createDurableResponses, type Job, type Update } from "durable-responses-client";
import { useDurableResponse, useSubmit } from "durable-responses-client/react";

interface Schema<Output> { readonly "~standard": { readonly types?: { readonly output: Output } } }
type Profiles = {
  default: { model: string };
  triage: { model: string; output: Schema<{ topic: "billing" | "sales"; urgent: boolean }> };
};
interface Database {
  public: {
    Tables: { orders: { Row: { id: number }; Insert: { id: number }; Update: { id?: number }; Relationships: [] } };
    Views: Record<never, never>;
    Functions: Record<never, never>;
  };
}

export async function use(): Promise<void> {
  // A client with its own Database type works too.
  const supabase = createClient<Database>("http://localhost", "key");
  const responses = createDurableResponses<Profiles>(supabase);
  const triage = await responses.submit({ query: "Hi", profile: "triage" });
  const topic: "billing" | "sales" | undefined = triage.output_parsed?.topic;
  const plain = await responses.submit({ query: "Hi" });
  const none: null = plain.output_parsed;
  // @ts-expect-error: there is no such profile
  await responses.submit({ query: "Hi", profile: "mail" });
  // @ts-expect-error: a query has one question
  await responses.submit({ query: "Hi", input: "Hi" });
  const job = await responses.get(triage.id);
  if (job.profile === "triage") job.output_parsed?.urgent;
  const done = await responses.result(job.id);
  const text: string = done.output_text;
  for await (const update of responses.watch(job.id)) {
    const known: Update = update;
    if (update.type === "tool_call") update.step.tool.toUpperCase();
    if (update.type === "text") update.delta + known.type;
  }
  const untyped = createDurableResponses(supabase);
  const any: Job = await untyped.submit({ query: "Hi", profile: "whatever" });
  console.log(topic, none, text, any);
}

export function Component({ id }: { id: string }): string {
  const { job, toolCalls } = useDurableResponse<Profiles>(id);
  const { submit } = useSubmit<Profiles>();
  void submit({ query: "Hi", profile: "triage" });
  return job?.profile === "triage" ? String(job.output_parsed?.urgent) : toolCalls.map((call) => call.tool).join();
}
`;

Deno.test("the built package runs on Node, and its types fit", async () => {
  const { stack, user } = theStack();
  await withProject(
    { "program.js": program, "typed.ts": typed },
    async (folder) => {
      const [{ stdout }] = await Promise.all([
        runProcess({
          name: "node",
          command: "node",
          cwd: folder,
          // As on Node 20, which has no WebSocket of its own.
          args: [
            "--no-experimental-websocket",
            "program.js",
            stack.apiUrl,
            stack.publishableKey,
            user.token,
          ],
        }),
        checkTypesIn(folder),
      ]);
      const seen = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
      assert.equal(seen.status, "completed");
      assert.equal(seen.refused, true);
      assert.ok(seen.states.includes("live"));
    },
  );
});
