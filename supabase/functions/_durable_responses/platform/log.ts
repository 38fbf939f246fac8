import { redact } from "./redact.ts";

/** Fields of a log line besides its message. Values are short facts, never payloads. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** One JSON object per line, so that the dashboard's log explorer can filter on its fields. */
function write(level: "info" | "warn" | "error", message: string, fields: LogFields): void {
  console[level](redact(JSON.stringify({ level, message, ...fields })));
}

export const log = {
  info: (message: string, fields: LogFields = {}) => write("info", message, fields),
  warn: (message: string, fields: LogFields = {}) => write("warn", message, fields),
  error: (message: string, fields: LogFields = {}) => write("error", message, fields),
};

/** An error as a log field. */
export function describe(error: unknown): string {
  return saidBy(() => error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

/** What an error says. An adopter's code may throw anything: a value without a prototype, or with a getter that throws. */
export function messageOf(error: unknown): string {
  return saidBy(() => String(error instanceof Error ? error.message : error));
}

function saidBy(say: () => string): string {
  try {
    return say();
  } catch {
    return "an error that cannot be shown as text";
  }
}
