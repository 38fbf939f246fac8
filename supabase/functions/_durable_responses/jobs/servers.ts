/** The MCP servers that the worker calls for the profiles, and whether each can be reached. */
import { RequestError } from "../platform/errors.ts";
import { planFor } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
// Loads the SDK, so only code that needs it imports this file.
import { type Probe, probeServer } from "../tools/mcp/probe-server.ts";

/** How long to wait for one server, in ms. */
const probeMs = 10_000;

export type ProbedServer = { profile: string; server_label: string } & Probe;

/** Asks all at once. The answer takes as long as the slowest server. */
export async function probeServers(profiles: Profiles): Promise<ProbedServer[]> {
  const probed = await Promise.all(
    Object.keys(profiles).map((name) => probeProfile(profiles, name)),
  );
  return probed.flat();
}

async function probeProfile(profiles: Profiles, profile: string): Promise<ProbedServer[]> {
  const labels = (profiles[profile]?.tools ?? []).flatMap((tool) =>
    tool.type === "mcp" && "run_by" in tool && tool.run_by === "worker" ? [tool.server_label] : []
  );
  if (labels.length === 0) return [];
  try {
    const { servers } = await planFor(profiles, { profile, input: "doctor", request: null });
    return await Promise.all(servers.map(async (server) => ({
      profile,
      server_label: server.label,
      ...await probeServer(server, AbortSignal.timeout(probeMs)),
    })));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return labels.map((server_label) => ({ profile, server_label, error: error.message }));
  }
}
