/** A finding of a check. */

export interface Finding {
  check: string;
  /** warn: it works, but somebody should look at it. skipped: it could not be checked; the message says why. */
  status: "ok" | "warn" | "wrong" | "skipped";
  message: string;
  /** How to fix it. */
  fix?: string;
}

/** A finding without the name of its check. */
export type Verdict = Omit<Finding, "check">;

export const ok = (message: string): Verdict => ({ status: "ok", message });
export const warn = (message: string, fix: string): Verdict => ({
  status: "warn",
  message,
  fix,
});
export const wrong = (message: string, fix: string): Verdict => ({
  status: "wrong",
  message,
  fix,
});
export const skipped = (message: string): Verdict => ({
  status: "skipped",
  message,
});
