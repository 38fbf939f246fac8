/** The answers that the platform itself gives when a function cannot: same codes, same statuses. */

const failures = {
  boot: [503, "BOOT_ERROR", "Function failed to start (please check logs)"],
  exited: [500, "WORKER_ERROR", "Function exited due to an error (please check logs)"],
  lost: [502, "WORKER_ERROR", "The worker of the function was lost (please check logs)"],
  limit: [
    546,
    "WORKER_LIMIT",
    "Function failed due to not having enough compute resources (please check logs)",
  ],
  idle: [504, "IDLE_TIMEOUT", "Function did not begin its response in time (please check logs)"],
} as const;

/** A platform failure as a response: `{ code, message }`, and the code again as `sb-error-code`. */
export function failureResponse(failure: keyof typeof failures): Response {
  const [status, code, message] = failures[failure];
  return answer(status, { code, message });
}

/** The platform's 404. The hint is ours: it names the functions that there are. */
export function notFoundResponse(names: string[]): Response {
  const hint = names.length === 0
    ? "There are no functions. A function is a folder in supabase/functions with an index.ts"
    : `The functions are ${names.map((name) => `'${name}'`).join(", ")}`;
  return answer(404, { code: "NOT_FOUND", message: "Requested function was not found", hint });
}

function answer(status: number, body: { code: string; message: string; hint?: string }): Response {
  return Response.json(body, {
    status,
    headers: { "sb-error-code": body.code, "access-control-allow-origin": "*" },
  });
}
