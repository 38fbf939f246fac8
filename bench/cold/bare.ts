/**
 * The minimum of a function on Supabase: a server, and a client that checks the token and writes a row. It calls OpenAI by
 * hand.
 */
import { createClient, type JWK } from "@supabase/supabase-js";

const keys: { default: string } = JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS") ?? "{}");
const supabase = createClient(
  Deno.env.get("SUPABASE_URL") ?? "",
  keys.default,
  { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } },
);
const jwks: { keys: JWK[] } = JSON.parse(Deno.env.get("SUPABASE_JWKS") ?? "{}");

async function submit(request: Request, token: string): Promise<Response> {
  const { data } = await supabase.auth.getClaims(token, { jwks });
  if (!data) return Response.json({ error: "Cannot tell who is asking" }, { status: 401 });
  const { query }: { query: string } = await request.json();
  const { error } = await supabase.rpc("submit_response_job", { query });
  if (error) throw new Error(`Cannot write the row: ${error.message}`);
  const answer = await fetch(`${Deno.env.get("OPENAI_BASE_URL")}/responses`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${Deno.env.get("OPENAI_API_KEY")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ model: "bench", input: query, background: true }),
  });
  return Response.json(await answer.json(), { status: 202 });
}

Deno.serve(async (request) => {
  const token = request.headers.get("authorization")?.replace("Bearer ", "");
  return token === undefined
    ? Response.json({ ready: true, bytes: (await request.text()).length })
    : await submit(request, token);
});
