/** How to set secrets, as a hint says it: in another way for hosted functions, for those of this machine, and for a worker. */
import { isEdgeFunction } from "./runtime.ts";

/** @param assignment such as `NAME=…` */
export function howToSet(assignment: string): string {
  if (!isEdgeFunction()) {
    return `Set ${assignment} in the environment of the worker's process: it has none of the functions' secrets`;
  }
  const url = Deno.env.get("SUPABASE_URL") ?? "";
  const isHosted = URL.canParse(url) && new URL(url).hostname.endsWith(".supabase.co");
  return isHosted
    ? `Set it with \`supabase secrets set ${assignment}\``
    : `Put ${assignment} into supabase/.env.durable-responses.local and restart dev (with \`supabase functions serve\`: supabase/functions/.env)`;
}
