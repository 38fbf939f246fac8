/** How to set secrets of the functions, as a hint says it: another way on the hosted platform than on somebody's own machine. */

/** @param assignment such as `NAME=…` */
export function howToSet(assignment: string): string {
  const url = Deno.env.get("SUPABASE_URL") ?? "";
  const isHosted = URL.canParse(url) && new URL(url).hostname.endsWith(".supabase.co");
  return isHosted
    ? `Set it with \`supabase secrets set ${assignment}\``
    : `Put ${assignment} into supabase/.env.durable-responses.local and restart dev (with \`supabase functions serve\`: supabase/functions/.env)`;
}
