/** What a `dev` that runs says: asked by HTTP, with the env file that it has written, and in its database. */
import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import type { Dev } from "./adopter.ts";

/** Asks with the variables of the env file, as in a shell that has sourced it. */
export async function ask(folder: string, query: string) {
  const file = await Deno.readTextFile(join(folder, "supabase/.env.durable-responses-dev.local"));
  const value = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(file)?.[1] ?? "";
  const answer = await fetch(`${value("SUPABASE_URL")}/functions/v1/respond`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${value("DEV_USER_TOKEN")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ query, wait: 60 }),
  });
  return { job: await answer.json(), value };
}

export async function instructionsSeen(folder: string, dev: Dev): Promise<string> {
  const before = dev.output().length;
  const { job, value } = await ask(folder, "Hello");
  assert.equal(job.status, "completed", `${JSON.stringify(job)}\n${dev.output().slice(before)}`);
  const input = await fetch(`${value("OPENAI_STAND_IN_URL")}/responses/${job.response_id}`, {
    headers: { authorization: `Bearer ${value("OPENAI_STAND_IN_KEY")}` },
  });
  return (await input.json()).instructions;
}

/** The rows of the table that the seeds fill. */
export async function notes(dev: Dev): Promise<number[]> {
  const sql = postgres(dev.find(/DB URL: (\S+)/), { max: 1 });
  try {
    return (await sql<{ id: number }[]>`select id from public.notes order by id`)
      .map(({ id }) => id);
  } finally {
    await sql.end();
  }
}

/** How many jobs the user sees. */
export async function jobsIn(folder: string): Promise<number> {
  const file = await Deno.readTextFile(join(folder, "supabase/.env.durable-responses-dev.local"));
  const value = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(file)?.[1] ?? "";
  const answer = await fetch(`${value("SUPABASE_URL")}/rest/v1/response_jobs?select=id`, {
    headers: {
      apikey: value("SUPABASE_PUBLISHABLE_KEY"),
      authorization: `Bearer ${value("DEV_USER_TOKEN")}`,
    },
  });
  return (await answer.json()).length;
}
