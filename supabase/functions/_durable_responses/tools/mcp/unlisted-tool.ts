/** Tools of a worker's servers, for code that only reads what a response asks for and leaves the rest to a worker. */
import type { PlannedServer } from "../../profiles/mcp-server.ts";
import type { RunnableTool } from "../own/own-call.ts";
import { readName } from "./tool-names.ts";

/**
 * The tool of a function name, without asking a server. The worker, which has the list, finds out whether there is such a
 * tool, and whether a person is asked first.
 */
export function unlistedTool(
  servers: readonly PlannedServer[],
  name: string,
): RunnableTool | undefined {
  const read = readName(servers.map(({ label }) => label), name);
  if (read === undefined) return undefined;
  return {
    server: read.server,
    tool: read.tool ?? name,
    effect: undefined,
    records: false,
    read: () =>
      Promise.resolve({
        needsApproval: () => Promise.resolve(false),
        make: () => {
          throw new TypeError(`Cannot call ${name}: its server has not been asked for its tools`);
        },
      }),
  };
}
