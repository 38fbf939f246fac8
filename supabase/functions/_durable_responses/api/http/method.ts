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
    `Cannot ${request.method} here: it must be ${methods.join(" or ")}`,
    { allow: methods.join(", "), hint: `Send the request with ${methods.join(" or ")}` },
  );
}
