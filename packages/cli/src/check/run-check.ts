/** Runs the profile check in Deno, and reads its report. */
import { Failure } from "../failure.ts";
import { denoArguments } from "../project/deno.ts";
import { type Output, outputOf } from "../project/output-of.ts";
import { type ProfilesReport, reportSchema } from "./report.ts";

export interface CheckRun {
  /** The project's folder `supabase/`. */
  supabase: string;
  /** The package's copy of the project. */
  template: string;
  /** The Deno to run it with. */
  deno: string;
  /** The environment that the functions would have. */
  env: Readonly<Record<string, string | undefined>>;
  /** The first time, Deno downloads the packages, and keeps asking a registry that does not answer. Default: 2 min. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 120_000;

/** @throws Failure if it cannot run */
export async function runCheck(
  { supabase, template, deno, env, timeoutMs = defaultTimeoutMs }: CheckRun,
): Promise<ProfilesReport> {
  const args = await denoArguments({
    supabase,
    template,
    script: "check-profiles/main.ts",
    permissions: ["--allow-env"],
  });
  const output = await outputOf(deno, args, { timeoutMs, env: { ...env, NO_COLOR: "1" } });
  if (output === undefined) throw new Failure(`Cannot run '${deno}': there is no such program`);
  if (output.signal === null) return readReport(output);
  throw new Failure(`Cannot check the profiles: Deno was stopped (${output.signal})`, {
    hint: `It has ${timeoutMs / 1000} s; see whether it can fetch packages: ${deno} cache npm:zod`,
  });
}

function readReport({ stdout, stderr, code }: Output): ProfilesReport {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  const parsed = reportSchema.safeParse(asJson(last));
  if (parsed.success) return parsed.data;
  const { why, hint } = whyNoReport(stderr, code);
  throw new Failure(`Cannot check the profiles: ${why}`, hint === undefined ? {} : { hint });
}

function whyNoReport(stderr: string, code: number | null): { why: string; hint?: string } {
  if (/Module not found .*profiles\/check/.test(stderr)) {
    return {
      why: "the project has an older release without this check",
      hint: "npx durable-responses init",
    };
  }
  if (stderr.includes("Top-level await promise never resolved")) {
    return {
      why: "profiles.ts, or a file that it imports, awaits something that never comes",
      hint:
        "Move the await into the tool that needs it: the functions would not start with it either",
    };
  }
  if (stderr.trim() === "") {
    return {
      why: `Deno ended with code ${code} before the check did`,
      hint: "See whether profiles.ts, or a file that it imports, ends the process",
    };
  }
  return { why: stderr.trim().split("\n").slice(0, 3).join(" ") };
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
