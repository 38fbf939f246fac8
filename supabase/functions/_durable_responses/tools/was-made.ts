/** Asks a profile whether a call in doubt was made. */
import type { Doubt, DoubtfulCall } from "../db/doubts.ts";
import { isAltered } from "../db/sanitize.ts";
import { lostByParsing } from "../model/canonical.ts";
import { isRecord } from "../model/is-record.ts";
import { nameOfValue } from "../model/name-of-value.ts";
import { describe, log } from "../platform/log.ts";
import { supabase } from "../platform/supabase.ts";
import type { Profile } from "../profiles/profile.ts";
import { secretValue } from "../profiles/secret-references.ts";
import type { WasMade } from "../profiles/was-made.ts";
import { ruleOf } from "./conditions.ts";
import { inTime } from "./in-time.ts";

/** What was found out. */
export type Found = { happened: true; output: string } | { happened: false };

/**
 * Asks the profile's function for the call's tool, if it has one. "Not made" is believed only if nothing can make the call any
 * more.
 * @returns undefined if nothing was found out; the log says why. It does not throw
 */
export async function askWasMade(
  profile: Profile,
  { id, owner_id: ownerId }: Pick<Doubt, "id" | "owner_id">,
  call: DoubtfulCall,
): Promise<Found | undefined> {
  const { server_label: server, tool } = call;
  const rule = tool === null ? undefined : ruleOf(profile.was_made ?? {}, server ?? "", tool);
  if (tool === null || rule === undefined) return undefined;
  const about = { job_id: id, server, tool };
  try {
    const args = argumentsOf(call);
    const startedAt = new Date(call.started_at);
    const answer = await ask(profile, rule, {
      jobId: id,
      ownerId,
      server,
      tool,
      arguments: args,
      startedAt,
    });
    const found = foundBy(answer);
    if (found === undefined && answer !== undefined) {
      log.warn("was_made did not answer true, false, undefined or {output}: the job stays held", {
        ...about,
        answer: nameOfValue(answer),
      });
    }
    if (found?.happened !== false || !call.may_still_be_made) return found;
    log.info("was_made says no, but a response may still make the call: the job stays held", about);
  } catch (error) {
    log.warn("was_made failed: the job stays held", { ...about, error: describe(error) });
  }
  return undefined;
}

/**
 * The arguments as they were sent.
 * @throws if they cannot be read, or are stored with something replaced or cut: who looks for these finds nothing, and would
 *   take that for "not made"
 */
function argumentsOf({ arguments: text }: DoubtfulCall): Record<string, unknown> {
  // Of a call that was only announced, nobody knows the arguments: it may have been made since.
  if (text === null || text === "") throw new TypeError("its arguments are not known");
  const args: unknown = JSON.parse(text);
  if (!isRecord(args)) throw new TypeError("its arguments are no JSON object");
  if (isAltered(text) || lostByParsing(text) !== undefined) {
    throw new TypeError("its arguments are not stored exactly as they were sent");
  }
  return args;
}

async function ask(
  profile: Profile,
  rule: WasMade[string],
  call: Parameters<WasMade[string]>[0],
): Promise<unknown> {
  const { openServer } = await import("./mcp/one-server.ts");
  const over = new AbortController();
  const { signal } = over;
  const server = openServer(profile, call.server, signal);
  try {
    const supabaseAdmin = await supabase();
    return await inTime<unknown>(
      () =>
        rule(call, {
          signal,
          supabaseAdmin,
          callTool: server.callTool,
          secret: (name) => secretValue(name, `Cannot find out whether ${call.tool} was called`),
        }),
    );
  } finally {
    over.abort();
    await server.close();
  }
}

function foundBy(answer: unknown): Found | undefined {
  if (answer === false) return { happened: false };
  if (answer === true) {
    return {
      happened: true,
      output: "The profile's was_made found that this call was made; its output is not known.",
    };
  }
  return isRecord(answer) && typeof answer["output"] === "string"
    ? { happened: true, output: answer["output"] }
    : undefined;
}
