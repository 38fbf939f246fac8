/** What the database reports about functions that tools name: public.describe_sql_tools(). */
import { z } from "zod";
import type { Project } from "../api/project.ts";

const typeSchema = z.object({
  name: z.string(),
  /** For a domain: its base type. */
  base: z.string(),
  /** As in pg_type.typcategory. */
  category: z.string(),
  /** For an array. */
  get element() {
    return typeSchema.optional();
  },
  /** For an enum. */
  labels: z.array(z.string()).optional(),
});
export type PostgresType = z.infer<typeof typeSchema>;

const functionSchema = z.object({
  signature: z.string(),
  /** As in pg_proc.prokind. */
  kind: z.string(),
  arguments: z.array(z.object({ name: z.string(), optional: z.boolean(), type: typeSchema })),
  variadic: z.boolean(),
  security_definer: z.boolean(),
  dynamic_sql: z.boolean(),
  /** Whether it sets a role, or the claims that say who the user is. */
  sets_role: z.boolean(),
  user_may: z.boolean(),
  service_may: z.boolean(),
});
export type PostgresFunction = z.infer<typeof functionSchema>;

const factsSchema = z.record(z.string(), z.array(functionSchema));
/** All functions of one name. */
export type Facts = z.infer<typeof factsSchema>;

/** @param names with their schemas, such as `public.my_orders` */
export async function askForFunctions(project: Project, names: string[]): Promise<Facts> {
  return await project.call("describe_sql_tools", { p_functions: names }, factsSchema);
}
