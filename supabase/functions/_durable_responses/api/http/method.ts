import { RequestError } from "../../platform/errors.ts";

type Method = "GET" | "POST" | "DELETE";

/**
 * Refuses every method but those; OPTIONS is answered before.
 * @throws RequestError `method_not_allowed`, which names the methods in `Allow`
 */
export function requireMethod(request: Request, ...methods: Method[]): void {
  if (methods.some((method) => method === request.method)) return;
  throw new RequestError(
    "method_not_allowed",
    `Cannot ${request.method} here: only ${methods.join(" and ")} is allowed`,
    { allow: methods.join(", ") },
  );
}
