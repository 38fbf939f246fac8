/** What people write without this project: call OpenAI, and store the id in a row. It does not check the caller. */
import { createClient } from "@supabase/supabase-js";
import OpenAI from "openai";
import { z } from "zod";

const Body = z.object({ query: z.string() });
const Keys = z.object({ default: z.string() });

const openai = new OpenAI({ maxRetries: 0 });
const supabase = createClient(
  Deno.env.get("SUPABASE_URL") ?? "",
  Keys.parse(JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS") ?? "{}")).default,
  { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } },
);

Deno.serve(async (request) => {
  const { query } = Body.parse(await request.json());
  const response = await openai.responses.create({
    model: "gpt-6.1-terra",
    instructions: "Answer briefly and plainly.",
    input: query,
    background: true,
  });
  const { error } = await supabase.from("bare_rows").insert({ query, response_id: response.id });
  if (error) throw new Error(`Cannot write the row: ${error.message}`);
  return Response.json({ id: response.id, status: response.status }, { status: 202 });
});
