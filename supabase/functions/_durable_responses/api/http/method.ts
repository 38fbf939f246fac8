import { RequestError } from "../../platform/errors.ts";

/**
 * Refuses every method but one; OPTIONS is answered before.
 * @throws RequestError `method_not_allowed`, which names the methods in `Allow`
 */
export function requireMethod(request: Request, method: "GET" | "POST"): void {
  if (request.method === method) return;
  throw new RequestError(
    "method_not_allowed",
    `Cannot ${request.method} here: only ${method} is allowed`,
    { allow: method },
  );
}
