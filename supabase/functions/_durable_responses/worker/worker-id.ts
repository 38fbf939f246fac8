/** The name of a new worker in rows and logs: where it runs, which kind it is if that matters, and which one. */
export function newWorkerId(kind?: "inline"): string {
  const parts = [Deno.env.get("SB_REGION") ?? "local", kind, crypto.randomUUID().slice(0, 8)];
  return parts.filter((part) => part !== undefined).join("-");
}
