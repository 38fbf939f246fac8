/** The minimum that keeps the promise: check the token, write the row, call OpenAI, write its id. */
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
  const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  const { data: claims } = await supabase.auth.getClaims(token);
  if (!claims) return Response.json({ error: "Cannot tell who is asking" }, { status: 401 });
  const { query } = Body.parse(await request.json());
  const id = crypto.randomUUID();
  const inserted = await supabase.from("bare_rows").insert({ id, query });
  if (inserted.error) throw new Error(`Cannot write the row: ${inserted.error.message}`);
  const response = await openai.responses.create({
    model: "gpt-6.1-terra",
    instructions: "Answer briefly and plainly.",
    input: query,
    background: true,
  });
  const updated = await supabase.from("bare_rows").update({ response_id: response.id }).eq(
    "id",
    id,
  );
  if (updated.error) throw new Error(`Cannot write the id: ${updated.error.message}`);
  return Response.json({ id, status: response.status }, { status: 202 });
});
