/** The project's own secrets for its functions, as `supabase functions serve` and `supabase secrets set` read them. */
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ifThereNow } from "../if-there.ts";

/** Later ones win, where they have a value: `init` leaves names to be filled in. */
const files = ["functions/.env", ".env.durable-responses.local"];
/** What is the stack's own. */
const reserved =
  /^(?:SUPABASE_.*|OPENAI_(?:API_KEY|BASE_URL|WEBHOOK_SECRET)|DURABLE_RESPONSES_(?:WORKER_SECRET|WALL_CLOCK_S))$/;

/** What the functions get besides what the stack gives them; names without a value are left out. */
export function projectSecrets(project: string): Record<string, string> {
  return Object.fromEntries(
    secretsByFile(project).flatMap((known) =>
      Object.entries(known).flatMap(([name, value]) =>
        value && !reserved.test(name) ? [[name, value]] : []
      )
    ),
  );
}

/** What each file says, the first one first. */
export function secretsByFile(project: string): Record<string, string | undefined>[] {
  return files.map((name) =>
    parseEnv(ifThereNow(() => Deno.readTextFileSync(join(project, "supabase", name))) ?? "")
  );
}
