/** What the check of the profiles found, as the Deno program says it. */
import { z } from "zod";

export const findingSchema = z.object({
  /** Empty where it is about the file. */
  profile: z.string(),
  path: z.string(),
  severity: z.enum(["wrong", "warn"]),
  message: z.string(),
  hint: z.string(),
});
export type ProfileFinding = z.infer<typeof findingSchema>;

const sqlToolSchema = z.object({
  name: z.string(),
  /** As in `tools[0]`. */
  path: z.string(),
  /** With its schema, `public.my_orders`. */
  function: z.string(),
  as: z.enum(["user", "service"]),
  /** JSON Schema of what the function is given. */
  input: z.record(z.string(), z.unknown()),
});
export type SqlToolText = z.infer<typeof sqlToolSchema>;

export const reportSchema = z.object({
  profiles: z.array(z.object({
    name: z.string(),
    model: z.string().optional(),
    /** JSON Schema of the answer. */
    output: z.unknown().optional(),
    /** A tool that the profile's own rules call harmless. */
    harmless: z.object({ name: z.string(), server: z.record(z.string(), z.unknown()) }).optional(),
    /** Tools that are Postgres functions. An earlier release, which a project may still have, does not tell them. */
    sql_tools: z.array(sqlToolSchema).optional(),
  })),
  findings: z.array(findingSchema),
});
export type ProfilesReport = z.infer<typeof reportSchema>;
