/** The findings of the profile check, in the form that the Deno program prints. */
import { z } from "zod";

export const findingSchema = z.object({
  /** Empty if the finding is about the file. */
  profile: z.string(),
  path: z.string(),
  severity: z.enum(["wrong", "warn"]),
  message: z.string(),
  hint: z.string(),
});
export type ProfileFinding = z.infer<typeof findingSchema>;

const sqlToolSchema = z.object({
  name: z.string(),
  /** Such as `tools[0]`. */
  path: z.string(),
  /** With its schema, such as `public.my_orders`. */
  function: z.string(),
  as: z.enum(["user", "service"]),
  /** JSON Schema of the function's input. */
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
    /** Tools that are Postgres functions. An earlier release, which a project may still have, does not report them. */
    sql_tools: z.array(sqlToolSchema).optional(),
  })),
  findings: z.array(findingSchema),
});
export type ProfilesReport = z.infer<typeof reportSchema>;
