/** Whether a call in doubt was made: functions of a profile that find out, so that no person need be asked. */
import type { SupabaseClient } from "@supabase/supabase-js";

/** A `once` call of which nobody knows whether it was made. */
export interface CallInDoubt {
  jobId: string;
  /** The job's owner; null if a server submitted it. */
  ownerId: string | null;
  /** The label of the MCP server; null for a tool of the profile's own. */
  server: string | null;
  tool: string;
  arguments: Record<string, unknown>;
  /** When it may have been made at the earliest. */
  startedAt: Date;
}

/** What helps to find out. */
export interface WasMadeContext {
  /** Aborted when its time is up. */
  signal: AbortSignal;
  /** A client with the secret key: it sees everything, not only the user's rows. */
  supabaseAdmin: SupabaseClient;
  /**
   * Calls a tool of the server that got the call in doubt, from the worker, whoever makes the profile's calls. Returns the
   * answer as text. Use it only for tools that read. Throws if the call fails or the tool says so.
   */
  callTool(name: string, args: Record<string, unknown>): Promise<string>;
  /** A secret of the functions. Its value is masked wherever it comes back. */
  secret(name: string): string;
}

/**
 * `true`, or the call's output: it was made. `false`: it was not. `undefined`: cannot tell. If it throws, does not answer within
 * 10 s or gives anything else, that is no answer either.
 */
export type WasMadeAnswer = boolean | { output: string } | undefined;

/** By `"server.tool"` or `"tool"`. */
export type WasMade = Readonly<
  Record<
    string,
    (call: CallInDoubt, ctx: WasMadeContext) => WasMadeAnswer | Promise<WasMadeAnswer>
  >
>;

export const defaultWasMadeAfterMs = 120_000;
