/** An error in any shape: in a body, in an event, in a failed response. */
import { isRecord } from "./is-record.ts";
import { text } from "./lenient.ts";
import * as z from "./zod.ts";

/** What an error says about itself. */
export interface ReportedError {
  /** Text. A number becomes its digits. */
  code: string | null;
  type: string | null;
  param: string | null;
  message: string;
  /** How long to wait, in ms, if the error has a field for it. */
  retryAfterMs: number | null;
}

const errorSchema = z.lazy(() =>
  z.looseObject({
    code: text(null),
    type: text(null),
    param: text(null),
    message: text(null),
  })
);

/** Fields in which servers say how long to wait, and one unit of each in ms. */
const waits: Readonly<Record<string, number>> = {
  retry_after_ms: 1,
  retry_after: 1000,
  retry_after_seconds: 1000,
  resets_in_seconds: 1000,
};

/** How often one error may be wrapped in another. */
const deepest = 8;

/** How much is read of a message, and of another field, in characters: the words are searched, and some searches are slow. */
const longestMessage = 4_000;
const longestField = 200;

/** What some servers write where there is no error; also as the value of each of its fields. */
const noError: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  false,
  0,
  "",
  "none",
  "None",
  "null",
]);

/** Whether a value in place of an error says that there is none. */
export function isNoError(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return noError.has(value) ||
    isRecord(value) && Object.values(value).every((field) => noError.has(field));
}

/** The error that a value is: an object, or text. null if it says nothing. */
export function readReportedError(value: unknown, depth = 0): ReportedError | null {
  if (isNoError(value)) return null;
  if (!isRecord(value)) {
    return inWords(typeof value === "string" ? value : JSON.stringify(value));
  }
  // Some servers wrap it once more.
  if (isRecord(value["error"]) && value["message"] === undefined && depth < deepest) {
    const inner = readReportedError(value["error"], depth + 1);
    if (inner !== null) return inner;
  }
  const { code, type, param, message } = errorSchema.parse(value);
  return {
    code: saidIn(code),
    type: type === "error" ? null : saidIn(type),
    param: saidIn(param),
    message: cut(message ?? (code || JSON.stringify(value)), longestMessage),
    retryAfterMs: waitIn(value),
  };
}

/** A common gateway sends Python's null as text if there is no value. */
function saidIn(field: string | null): string | null {
  return field === "" || field === "None" || field === null ? null : cut(field, longestField);
}

/** An error that is only words. */
export function inWords(message: string): ReportedError {
  return {
    code: null,
    type: null,
    param: null,
    message: cut(message, longestMessage),
    retryAfterMs: null,
  };
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest).toWellFormed()}…`;
}

/** The error in a whole body or event: its `error`, or the value itself if it says `type: "error"`. null if there is none. */
export function errorIn(value: unknown): ReportedError | null {
  if (!isRecord(value)) return null;
  const inner = readReportedError(value["error"]);
  if (inner !== null) {
    return { ...inner, retryAfterMs: inner.retryAfterMs ?? waitIn(value) };
  }
  return value["type"] === "error" ? readReportedError(value) : null;
}

function waitIn(value: Record<string, unknown>): number | null {
  const resetsAt = Number(value["resets_at"] ?? NaN);
  if (resetsAt * 1000 > Date.now()) return resetsAt * 1000 - Date.now();
  for (const [field, unit] of Object.entries(waits)) {
    const told = Number(value[field] ?? NaN);
    if (told >= 0) return told * unit;
  }
  return null;
}
