/** `doctor --smoke`: one tiny job through each path of the real project. It costs a few hundred tokens, and cleans up. */
import type { Project } from "../api/project.ts";
import type { Verdict } from "../doctor/finding.ts";
import { ok, warn } from "../doctor/finding.ts";
import { Failure } from "../failure.ts";
import { type ProfileText, readProfiles } from "../project/profiles-text.ts";
import type { ProfilesReport } from "../check/report.ts";
import { type HarmlessTool, SmokeJobs, type SmokeOptions } from "./job.ts";
import { count } from "../terminal/count.ts";
import { smokePaths } from "./paths.ts";

export const defaultWaitS = 90;

/** What is known of the project's profiles. */
export interface KnownProfiles {
  /** The text of the folder's profiles.ts. */
  text: string | undefined;
  /** Deno's report on them. */
  loaded: ProfilesReport | undefined;
  /** Those that the deployed functions registered. */
  deployed: readonly string[];
}

/** The profile and model of the jobs: those that were given, or the folder's first profile that spells out a model. */
export function smokeOptions(
  given: { profile?: string | undefined; model?: string | undefined; waitS?: number | undefined },
  { text, loaded, deployed }: KnownProfiles,
): SmokeOptions {
  const local: ProfileText[] = text === undefined ? [] : readProfiles(text) ?? [];
  const here = [...local, ...loaded?.profiles ?? []].map(({ name }) => name);
  const names = [...new Set([...here, ...deployed])];
  if (given.profile !== undefined && names.length > 0 && !names.includes(given.profile)) {
    throw new Failure(
      `Cannot run jobs with the profile '${given.profile}': neither profiles.ts here nor the functions have it`,
      {
        hint: `The profiles are ${names.map((name) => `'${name}'`).join(", ")}`,
        exitCode: 2,
      },
    );
  }
  const found = given.profile === undefined
    ? local.find(({ model }) => model !== undefined)
    : local.find(({ name }) => name === given.profile);
  const model = given.model ?? found?.model;
  if (model === undefined) {
    throw new Failure(
      `Cannot tell which model to use: ${
        given.profile === undefined
          ? "no profile here names one"
          : `'${given.profile}' here names none`
      } literally`,
      {
        hint: "Add --smoke-model gpt-6-luna, or another model that your key can use",
        exitCode: 2,
      },
    );
  }
  return {
    model,
    profile: given.profile ?? found?.name ?? "default",
    waitMs: (given.waitS ?? defaultWaitS) * 1000,
    tool: toolOf(loaded, model),
  };
}

function toolOf(report: ProfilesReport | undefined, model: string): HarmlessTool | undefined {
  for (const { name, model: own, harmless } of report?.profiles ?? []) {
    if (harmless) return { profile: name, model: own ?? model, ...harmless };
  }
  return undefined;
}

/** @param check prints and stores a finding, under a name */
export async function smoke(
  project: Project,
  options: SmokeOptions,
  check: (name: string, run: () => Promise<Verdict>) => Promise<unknown>,
): Promise<void> {
  const jobs = new SmokeJobs(project, options);
  try {
    for (const { name, run } of smokePaths(jobs)) await check(name, run);
  } finally {
    await check("clean-up", async () => {
      const left = await jobs.remove();
      return left.length === 0 ? ok("the jobs of the smoke test are deleted") : warn(
        `${count(left.length, "job")} left: ${left.join(", ")}`,
        "npx durable-responses jobs cancel <id>",
      );
    });
  }
}
