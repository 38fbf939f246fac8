/**
 * `durable-responses console`: the console for a project anywhere, served on this machine, with the package durable-responses-dev.
 * Hosted projects refuse secret keys that come from a browser, so the page's calls go through it.
 */
import { join } from "node:path";
import process from "node:process";
import { readAllSecrets, requireUrl } from "../api/connection.ts";
import { Failure } from "../failure.ts";
import { devProgram } from "../project/dev-package.ts";
import { findDeno } from "../project/find-deno.ts";
import { findProject } from "../project/locate.ts";
import { defaultFunctionName, readManifest } from "../project/manifest.ts";
import { runToEnd } from "../project/run-to-end.ts";

export interface ConsoleOptions {
  cwd: string;
  url?: string;
  /** The publishable key. */
  key?: string;
  port?: string;
  deno?: string;
}

/** @returns the exit code of the console */
export async function openConsole({ cwd, url, key, port, deno }: ConsoleOptions): Promise<number> {
  const supabase = await findProject(cwd);
  const secrets = await readAllSecrets(supabase, undefined);
  const projectUrl = await requireUrl(supabase, secrets, url);
  const publishable = key ?? secrets["SUPABASE_PUBLISHABLE_KEY"] ?? secrets["SUPABASE_ANON_KEY"];
  if (!publishable) {
    throw new Failure(
      "Cannot open the console: there is no --key and no SUPABASE_PUBLISHABLE_KEY",
      {
        hint:
          "Copy the publishable key (sb_publishable_…) from the dashboard under Settings > API Keys",
        exitCode: 2,
      },
    );
  }
  const manifest = supabase === undefined ? undefined : await readManifest(supabase);
  const args = [
    ...await devProgram(supabase ?? cwd, "./console", "open the console"),
    "--url",
    projectUrl,
    "--key",
    publishable,
    "--function-name",
    manifest?.function_name ?? defaultFunctionName,
    ...(port === undefined ? [] : ["--port", port]),
  ];
  return await runToEnd(await findDeno(supabase ?? join(cwd, "supabase"), deno), args, process.env);
}
