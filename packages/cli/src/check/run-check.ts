/** Runs the check of the profiles in Deno, and reads what it says. */
import { spawn } from "node:child_process";
import { errorCode, Failure } from "../failure.ts";
import { denoArguments, type DenoCommand, denoPackage } from "../project/deno.ts";
import { type ProfilesReport, reportSchema } from "./report.ts";

export interface CheckRun {
  /** The project's folder `supabase/`. */
  supabase: string;
  /** The package's copy of the project. */
  template: string;
  /** Tried in this order; the next one when there is no such command. */
  commands: DenoCommand[];
  /** What the functions would find in their environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** The first time Deno fetches the packages, and a registry that does not answer is asked again and again. Default 2 min. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 120_000;

/** @throws Failure when it cannot be run */
export async function runCheck(
  { supabase, template, commands, env, timeoutMs = defaultTimeoutMs }: CheckRun,
): Promise<ProfilesReport> {
  const args = await denoArguments({
    supabase,
    template,
    script: "check-profiles/main.ts",
    permissions: ["--allow-env"],
  });
  for (const [command, before] of commands) {
    const output = await outputOf(command, [...before, ...args], env, timeoutMs);
    if (output !== undefined) return readReport(output);
  }
  throw new Failure("Cannot check the profiles: Deno, which the functions run in, cannot be run", {
    hint: `npm install --save-dev ${denoPackage}, or see https://deno.com; or name one with --deno`,
  });
}

interface Output {
  stdout: string;
  stderr: string;
}

function readReport({ stdout, stderr }: Output): ProfilesReport {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  const parsed = reportSchema.safeParse(asJson(last));
  if (parsed.success) return parsed.data;
  const missing = /Module not found .*profiles\/check/.test(stderr);
  throw new Failure(
    missing
      ? "Cannot check the profiles: the project has an earlier release, which has no check"
      : `Cannot check the profiles: ${
        stderr.trim().split("\n").slice(0, 3).join(" ") || "Deno said nothing"
      }`,
    missing ? { hint: "npx durable-responses init" } : {},
  );
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Undefined when there is no such command. */
function outputOf(
  command: string,
  args: string[],
  env: CheckRun["env"],
  timeoutMs: number,
): Promise<Output | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...env, NO_COLOR: "1" },
      timeout: timeoutMs,
    });
    const output: Output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => output.stderr += text);
    child.once("error", (error) => {
      if (errorCode(error) === "ENOENT") resolve(undefined);
      else reject(new Failure(`Cannot run '${command}': ${error.message}`, { cause: error }));
    });
    child.once("close", (_, signal) => {
      if (signal === null) return resolve(output);
      reject(
        new Failure(`Cannot check the profiles: Deno was stopped (${signal})`, {
          hint: `It has ${
            timeoutMs / 1000
          } s; see whether it can fetch packages: ${command} cache npm:zod`,
        }),
      );
    });
  });
}
