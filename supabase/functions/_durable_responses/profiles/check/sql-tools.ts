/** The tools of a profile that are Postgres functions, for whoever can ask the database about them. */
import type { RequestTool } from "../../model/request.ts";
import * as z from "../../model/zod.ts";
import { isOwnTool } from "../own-tools.ts";

export interface SqlToolText {
  name: string;
  /** As in `tools[0]`. */
  path: string;
  /** With its schema, `public.my_orders`. */
  function: string;
  as: "user" | "service";
  /** JSON Schema of what the function is given: what the schema makes of the model's arguments, defaults and all. */
  input: Record<string, unknown>;
}

/** One whose schema is no object is left out: nothing can be offered by it, which another check says. */
export function sqlToolsIn(tools: RequestTool[]): SqlToolText[] {
  return tools.flatMap((tool, index) => {
    if (!isOwnTool(tool) || tool.kind !== "sql") return [];
    const { name, function: named, as, inputSchema } = tool;
    const { "~standard": _, ...input } = z.toJSONSchema(inputSchema, {
      io: "output",
      unrepresentable: "any",
    });
    if (input.type !== "object") return [];
    return [{ name, path: `tools[${index}]`, function: named, as, input }];
  });
}
