/** The tools of a profile that are Postgres functions, for a caller that can ask the database about them. */
import type { RequestTool } from "../../model/request.ts";
import * as z from "../../model/zod.ts";
import { isOwnTool } from "../own-tools.ts";
import { isZod4 } from "../zod-version.ts";

export interface SqlToolText {
  name: string;
  /** Such as `tools[0]`. */
  path: string;
  /** With its schema, such as `public.my_orders`. */
  function: string;
  as: "user" | "service";
  /** JSON Schema of the function's input: the model's arguments after the tool's schema, with defaults. */
  input: Record<string, unknown>;
}

/** A tool that cannot be offered (without a name, or with a schema that is no object or not of zod 4) is left out: another check says so. */
export function sqlToolsIn(tools: RequestTool[]): SqlToolText[] {
  return tools.flatMap((tool, index) => {
    if (!isOwnTool(tool) || tool.kind !== "sql") return [];
    const { name, function: named, as, inputSchema } = tool;
    if (!isText(name) || !isText(named) || !isZod4(inputSchema)) return [];
    const { "~standard": _, ...input } = z.toJSONSchema(inputSchema, {
      io: "output",
      unrepresentable: "any",
    });
    if (input.type !== "object") return [];
    return [{ name, path: `tools[${index}]`, function: named, as, input }];
  });
}

/** The types say so, but profiles.ts need not have been checked for them. */
function isText(value: unknown): boolean {
  return typeof value === "string";
}
