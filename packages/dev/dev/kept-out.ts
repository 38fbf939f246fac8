/** Whether the gateway keeps out those that the product's functions are for. */
import { join } from "node:path";
import { isFunction } from "../edge/function-names.ts";
import { readFunctionSettings } from "../gateway/function-settings.ts";

/**
 * These functions identify their callers themselves: OpenAI's webhooks and the database's wake-ups have no JWT.
 * @param respond the name of `respond` in the project
 * @returns what to do; undefined if they are reached
 */
export async function keptOutText(project: string, respond: string): Promise<string | undefined> {
  const functionsDir = join(project, "supabase", "functions");
  const { verifiesJwt } = await readFunctionSettings(project);
  const closed = [respond, "openai-webhook", "run-jobs"]
    .filter((name) => isFunction(functionsDir, name) && verifiesJwt(name));
  if (closed.length === 0) return undefined;
  return `The gateway refuses callers without a JWT, such as OpenAI's webhooks, at ${
    closed.join(", ")
  }: set verify_jwt = false for each in supabase/config.toml (npx durable-responses init does it), then start again`;
}
