import type * as z from "../model/zod.ts";
import { log } from "../platform/log.ts";
import { call } from "./client.ts";
import { sanitize } from "./sanitize.ts";

/** Calls a SQL function that stores its arguments. This is the only place where they are made storable. */
export async function callStoring<S extends z.$ZodType>(
  name: string,
  args: Record<string, unknown>,
  schema: S,
): Promise<z.infer<S>> {
  const { value, changed } = sanitize(args);
  const cut = changed.filter((change) => change !== "characters");
  if (cut.length > 0) {
    log.warn("cut what is too large to store", { function: name, cut: cut.join(", ") });
  }
  return await call(name, value, schema);
}
