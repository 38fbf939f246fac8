/** The tools that a server lists, in the form in which they can be offered. */
import { isRecord } from "../../model/is-record.ts";
import { type Schema, usableSchema } from "./input-schema.ts";

/** A tool that a server offers. */
export interface ListedTool {
  name: string;
  description: string;
  inputSchema: Schema;
  /** As the server gave them. The effect follows from `readOnlyHint` and `idempotentHint`. */
  annotations: Record<string, unknown> | null;
}

const longestName = 256;
/** In characters. OpenAI refuses longer descriptions of functions, and the whole request with them. */
const longestDescription = 1_024;

/** The tools of a list that can be offered. One that cannot does not affect the others. */
export function readTools(
  server: string,
  raw: unknown[],
): { tools: ListedTool[]; warnings: string[] } {
  const tools = new Map<string, ListedTool>();
  const warnings: string[] = [];
  const leaveOut = (name: string, why: string) =>
    warnings.push(`The tool ${name} of ${server} is left out: ${why}`);
  for (const [index, tool] of raw.entries()) {
    const { name, title, description, inputSchema, annotations } = isRecord(tool)
      ? tool
      : { name: undefined };
    if (typeof name !== "string" || name === "" || name.length > longestName) {
      leaveOut(`number ${index + 1}`, `its name must have 1 to ${longestName} characters`);
      continue;
    }
    if (tools.has(name)) {
      leaveOut(name, "there are two of that name, and only the first can be called");
      continue;
    }
    const usable = usableSchema(inputSchema);
    if ("problem" in usable) {
      leaveOut(name, usable.problem);
      continue;
    }
    const said = [description, title].find((text) => typeof text === "string" && text !== "");
    tools.set(name, {
      name,
      description: String(said ?? name).toWellFormed().slice(0, longestDescription),
      inputSchema: usable.schema,
      annotations: isRecord(annotations) ? annotations : null,
    });
  }
  return { tools: [...tools.values()], warnings };
}
