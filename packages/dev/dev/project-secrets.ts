/** The project's own secrets for its functions, as `supabase functions serve` and `supabase secrets set` read them. */
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ifThereNow } from "../if-there.ts";

/** Later ones win. */
const files = ["functions/.env", ".env.durable-responses.local"];
/** What is the stack's own. */
const reserved =
  /^(?:SUPABASE_.*|OPENAI_(?:API_KEY|BASE_URL|WEBHOOK_SECRET)|DURABLE_RESPONSES_(?:WORKER_SECRET|WALL_CLOCK_S))$/;

/** What the functions get besides what the stack gives them; names without a value are left out. */
export function projectSecrets(project: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(allSecrets(project)).filter(([name, value]) => value && !reserved.test(name)),
  );
}

/** All that the files say. */
export function allSecrets(project: string): Record<string, string> {
  const found = files.map((name) =>
    ifThereNow(() => Deno.readTextFileSync(join(project, "supabase", name)))
  );
  const pairs = found.flatMap((text) => Object.entries(parseEnv(text ?? "")));
  return Object.fromEntries(
    pairs.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]),
  );
}
