/** Checks the MCP servers that the worker calls. The deployed function asks them, from where it runs. */
import { z } from "zod";
import { type Project, refusalOf } from "../api/project.ts";
import { ok, skipped, type Verdict, warn, wrong } from "./finding.ts";

const schema = z.object({
  servers: z.array(z.object({
    profile: z.string(),
    server_label: z.string(),
    tools: z.number().optional(),
    warnings: z.array(z.string()).optional(),
    error: z.string().optional(),
  })),
});
/** The function asks all at once, and waits ten seconds for each. */
const timeoutMs = 40_000;

export async function checkServers(project: Project): Promise<Verdict> {
  const answer = await project.invoke(`${project.connection.functionName}/servers`, {
    timeoutMs,
  });
  if (answer.status >= 500) {
    return warn(
      `${project.connection.functionName} cannot list them: ${refusalOf(answer).message}`,
      `read the logs of the function ${project.connection.functionName}`,
    );
  }
  if (answer.status !== 200) {
    return skipped(`respond does not list them: ${refusalOf(answer).message}`);
  }
  const { servers } = schema.parse(answer.body);
  if (servers.length === 0) return ok("no profile has a server that the worker calls");
  const named = ({ profile, server_label }: { profile: string; server_label: string }) =>
    `'${server_label}' of profile '${profile}'`;
  const gone = servers.filter(({ error }) => error !== undefined);
  if (gone.length > 0) {
    return wrong(
      gone.map((server) => `${named(server)}: ${server.error}`).join("; "),
      "check its address and credential (npx supabase secrets set --remote NAME=value); name a private or http host in DURABLE_RESPONSES_MCP_HOSTS",
    );
  }
  const warnings = servers.flatMap(({ warnings = [] }) => warnings);
  if (warnings.length > 0) {
    return warn(warnings.join("; "), "report it to whoever runs the server, or leave the tool out");
  }
  return ok(servers.map((server) => `${named(server)} has ${server.tools} tools`).join(", "));
}
