/**
 * Checks all profiles with a strict schema, so that mistakes are found before a request fails. Used by `npx
 * durable-responses check`, `dev` and `doctor`; no function loads it.
 */
import * as z from "../../model/zod.ts";
import { toolSchema } from "../../model/request.ts";
import { effects } from "../../model/status.ts";
import type { SideEffects } from "../../model/step.ts";
import { checkFields } from "./check-fields.ts";
import { checkOutput } from "./check-output.ts";
import { checkRules } from "./check-rules.ts";
import { checkTools } from "./check-tools.ts";
import type { Found, ProfileFinding } from "./finding.ts";
import { type HarmlessTool, harmlessTool } from "./harmless-tool.ts";
import { sqlToolsIn, type SqlToolText } from "./sql-tools.ts";

export interface CheckedProfile {
  name: string;
  /** Undefined if it is not text. */
  model: string | undefined;
  /** JSON Schema of its answer; undefined for a profile without `output`. */
  output?: unknown;
  /** A tool that a smoke test may call. */
  harmless?: HarmlessTool;
  /** For a comparison with the functions in the database, by a caller that can ask it. */
  sql_tools: SqlToolText[];
}

export interface ProfilesReport {
  profiles: CheckedProfile[];
  findings: ProfileFinding[];
}

/** The same rule as in the database. */
const nameSchema = z.string().check(z.minLength(1), z.maxLength(64));

/** @param isSet whether the functions have a secret of this name */
export async function checkProfiles(
  profiles: unknown,
  isSet: (name: string) => boolean,
): Promise<ProfilesReport> {
  const report: ProfilesReport = { profiles: [], findings: [] };
  const entries = typeof profiles === "object" && profiles !== null ? Object.entries(profiles) : [];
  if (entries.length === 0) {
    report.findings.push({
      profile: "",
      path: "",
      severity: "wrong",
      message: profiles === undefined
        ? "profiles.ts exports no 'profiles'"
        : "'profiles' in profiles.ts has no profile",
      hint: 'export const profiles = defineProfiles({ default: { model: "gpt-6.1-terra" } })',
    });
  }
  for (const [name, profile] of entries) {
    const { found, ...checked } = await checkProfile(name, profile, isSet);
    report.profiles.push(checked);
    report.findings.push(...found.map((each) => ({ profile: name, ...each })));
  }
  return report;
}

const effectsSchema = z.record(z.string(), z.enum(effects));

function effectsIn({ side_effects }: Record<string, unknown>): SideEffects {
  return effectsSchema.safeParse(side_effects).data ?? {};
}

async function checkProfile(
  name: string,
  profile: unknown,
  isSet: (name: string) => boolean,
): Promise<CheckedProfile & { found: Found[] }> {
  const found: Found[] = nameSchema.safeParse(name).success ? [] : [{
    path: "",
    severity: "wrong",
    message: `Invalid profile name '${name.slice(0, 40)}'`,
    hint: "A name has 1 to 64 characters",
  }];
  const fields = z.record(z.string(), z.unknown()).safeParse(profile).data;
  if (fields === undefined) {
    found.push({
      path: "",
      severity: "wrong",
      message: "It is not an object",
      hint: 'As in { model: "gpt-6.1-terra", instructions: "…" }',
    });
    return { name, model: undefined, sql_tools: [], found };
  }
  const tools = z.array(toolSchema).safeParse(fields["tools"]).data ?? [];
  const output = fields["output"] === undefined ? undefined : await checkOutput(fields["output"]);
  found.push(
    ...checkFields(fields),
    ...(output?.found ?? []),
    ...checkTools(tools, effectsIn(fields), isSet),
    ...checkRules(fields, tools),
  );
  const model = typeof fields["model"] === "string" ? fields["model"] : undefined;
  const harmless = harmlessTool(tools, fields["side_effects"]);
  return {
    name,
    model,
    sql_tools: sqlToolsIn(tools),
    found,
    ...(output && { output: output.json }),
    ...(harmless && { harmless }),
  };
}
