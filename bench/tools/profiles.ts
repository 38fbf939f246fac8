/** Tools that take 20 ms, like the loop's own. */
import * as z from "zod/mini";
import { defineProfiles, sqlTool, tool } from "../../supabase/functions/_durable_responses/mod.ts";

export const toolMs = 20;
const inputSchema = z.object({ round: z.number() });
const wait = async (round: number) => {
  await new Promise((resolve) => setTimeout(resolve, toolMs));
  return `waited in round ${round}`;
};
const model = { model: "gpt-6.1-terra", background: false };

export const profiles = defineProfiles({
  default: model,
  once: {
    ...model,
    tools: [
      tool({
        name: "wait",
        description: "Waits.",
        inputSchema,
        execute: ({ round }) => wait(round),
      }),
    ],
  },
  sql: {
    ...model,
    tools: [
      sqlTool({
        name: "wait",
        description: "Waits.",
        inputSchema,
        function: "public.wait_for_it",
        as: "service",
      }),
    ],
  },
});
