import { RequestError } from "../../platform/errors.ts";

type Method = "GET" | "POST" | "DELETE";

/**
 * Refuses every method except these. OPTIONS is answered earlier.
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
