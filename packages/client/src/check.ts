/** Checks arguments before anything is sent. */
import { callKinds, jobStatuses } from "./generated/status.ts";
import { ArgumentError } from "./errors.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** The same limits as the server's. */
const maxWaitS = 120;
const maxKeyLength = 255;
export const maxLimit = 200;

/** @throws ArgumentError, like all of these */
export function checkClient(supabase: unknown, maxRetries: unknown): void {
  const isClient = typeof supabase === "object" && supabase !== null &&
    "functions" in supabase &&
    "realtime" in supabase;
  if (!isClient) {
    throw new ArgumentError(
      "Cannot make a client: the first argument must be a supabase-js client",
      "createDurableResponses(createClient(url, key))",
    );
  }
  if (!isBetween(maxRetries, 0, 100) || !Number.isInteger(maxRetries)) {
    throw new ArgumentError(
      `Cannot make a client: maxRetries must be a whole number from 0 to 100, not ${
        show(maxRetries)
      }`,
    );
  }
}

export function isId(value: unknown): value is string {
  return typeof value === "string" && uuid.test(value);
}

export function checkId(id: unknown): void {
  if (!isId(id)) {
    throw new ArgumentError(
      `Cannot look for a job by '${show(id)}': a job's id is a UUID`,
    );
  }
}

export function checkQuery(query: unknown): void {
  if (typeof query !== "object" || query === null) {
    throw new ArgumentError(
      `Cannot submit '${show(query)}': a query is an object`,
      'submit({ query: "What is in my inbox?", profile: "mail" })',
    );
  }
  const fields = new Map(Object.entries(query));
  const asked = ["query", "input", "request"].filter((name) => fields.get(name) !== undefined);
  if (asked.length !== 1) {
    throw new ArgumentError(
      `Cannot submit: exactly one of query, input and request must be given, not ${
        asked.join(" and ") || "none"
      }`,
    );
  }
  const [name = ""] = asked;
  const value = fields.get(name);
  if (name === "query" && typeof value !== "string") {
    throw new ArgumentError(
      `Cannot submit: query must be text, not ${typeof value}`,
    );
  }
  const empty = typeof value === "string" ? value.trim() === "" : isEmptyArray(value);
  if (empty) {
    throw new ArgumentError(`Cannot submit: ${name} must not be empty`);
  }
  const profile = fields.get("profile");
  if (
    profile !== undefined && (typeof profile !== "string" || profile === "")
  ) {
    throw new ArgumentError(
      `Cannot submit: profile must be a name, not '${show(profile)}'`,
    );
  }
}

export function checkSubmitOptions(
  { idempotencyKey, wait }: { idempotencyKey?: unknown; wait?: unknown },
): void {
  if (
    idempotencyKey !== undefined &&
    (typeof idempotencyKey !== "string" || idempotencyKey.length < 1 ||
      idempotencyKey.length > maxKeyLength ||
      !/^[\x21-\x7e]+$/.test(idempotencyKey))
  ) {
    throw new ArgumentError(
      `Cannot submit: idempotencyKey must be 1 to ${maxKeyLength} visible ASCII characters`,
      "Leave it out to have one made, or use crypto.randomUUID()",
    );
  }
  if (wait !== undefined && !isBetween(wait, 0, maxWaitS)) {
    throw new ArgumentError(
      `Cannot submit: wait must be 0 to ${maxWaitS} seconds, not ${show(wait)}`,
    );
  }
}

export function checkTimeout(timeout: unknown): void {
  if (
    timeout !== undefined && !isBetween(timeout, 0, Number.MAX_SAFE_INTEGER)
  ) {
    throw new ArgumentError(
      `Cannot wait: timeout must be milliseconds, not ${show(timeout)}`,
    );
  }
}

export function checkLimit(limit: unknown): void {
  if (!isBetween(limit, 1, maxLimit) || !Number.isInteger(limit)) {
    throw new ArgumentError(
      `Cannot list jobs: limit must be a whole number from 1 to ${maxLimit}, not ${show(limit)}`,
    );
  }
}

export function checkStatuses(statuses: readonly unknown[]): void {
  const known: readonly unknown[] = jobStatuses;
  const wrong = statuses.filter((status) => !known.includes(status));
  if (wrong.length > 0) {
    throw new ArgumentError(
      `Cannot list jobs: status must be one of ${jobStatuses.join(", ")}, not '${show(wrong[0])}'`,
    );
  }
}

export function checkApproval({ approve }: { approve?: unknown }): void {
  if (typeof approve !== "boolean") {
    throw new ArgumentError(
      `Cannot answer: approve must be true or false, not ${show(approve)}`,
    );
  }
}

export function checkOutcome({ outcome }: { outcome?: unknown }): void {
  if (
    outcome !== "happened" && outcome !== "did_not_happen" &&
    outcome !== "cancel"
  ) {
    throw new ArgumentError(
      `Cannot resolve: outcome must be happened, did_not_happen or cancel, not '${show(outcome)}'`,
    );
  }
}

export function checkToolOutput(
  given: { type?: unknown; call_id?: unknown; callId?: unknown; output?: unknown },
): void {
  const { type, output } = given;
  const name = type === undefined ? "callId" : "call_id";
  const callId = given[name];
  if (typeof callId !== "string" || callId === "") {
    throw new ArgumentError(
      `Cannot give an output: ${name} must be the call_id of a call in job.waiting, not ${
        show(callId)
      }`,
    );
  }
  if (type !== undefined) {
    if (callKinds.some((kind) => type === `${kind}_output`)) return;
    throw new ArgumentError(
      `Cannot give an output: type must be that of an item that answers a call, not ${show(type)}`,
    );
  }
  if (typeof output !== "string") {
    throw new ArgumentError(`Cannot give an output: output must be text, not ${show(output)}`);
  }
}

function isBetween(value: unknown, low: number, high: number): boolean {
  return typeof value === "number" && value >= low && value <= high;
}

function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function show(value: unknown): string {
  return String(typeof value === "object" ? JSON.stringify(value) : value)
    .slice(0, 60);
}
