/** The answers that the platform itself gives when a function cannot: same codes, same statuses. */

const failures = {
  not_found: [404, "NOT_FOUND", "Requested function was not found"],
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
  return Response.json({ code, message }, {
    status,
    headers: { "sb-error-code": code, "access-control-allow-origin": "*" },
  });
}
