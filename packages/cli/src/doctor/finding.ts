/** What a check found. */

export interface Finding {
  check: string;
  /** warn: works, but somebody should look. skipped: could not be checked, and why. */
  status: "ok" | "warn" | "wrong" | "skipped";
  message: string;
  /** How to fix it. */
  fix?: string;
}

/** What is left of a finding when its check's name is known. */
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
