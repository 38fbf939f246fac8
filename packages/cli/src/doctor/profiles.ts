/** Compares profiles.ts with the deployed functions, and its models with OpenAI's list. */
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { send } from "../api/http.ts";
import type { Project } from "../api/project.ts";
import { Failure } from "../failure.ts";
import { secretsFile } from "../init/secrets-file.ts";
import { readText } from "../project/locate.ts";
import { type ProfileText, readProfiles } from "../project/profiles-text.ts";
import { deployCommand, profilesPath } from "../project/release.ts";
import { ok, skipped, type Verdict, warn, wrong } from "./finding.ts";
import { reportSchema } from "./report.ts";

const openaiUrl = "https://api.openai.com/v1";
/** A shutdown within this many days is reported. */
const nearDays = 90;
const dayMs = 86_400_000;
/** How long to wait for a worker that was just woken to register its profiles, in ms. */
const registersWithinMs = 4_000;
const lookEveryMs = 400;

/** The profiles of the project's folder; undefined outside of one, and if they cannot be read from the text. */
export async function localProfiles(
  supabase: string | undefined,
): Promise<ProfileText[] | undefined> {
  const text = supabase && await readText(join(supabase, profilesPath));
  return text ? readProfiles(text) : undefined;
}

/**
 * Compares the folder's profiles with those that the deployed functions registered. If none are, registers the folder's.
 * @param woken a worker was just woken, and registers its profiles
 */
export async function checkProfiles(
  project: Project,
  local: ProfileText[] | undefined,
  woken: boolean,
): Promise<Verdict> {
  const prompts = local?.filter(({ hasPrompt }) => hasPrompt) ?? [];
  if (prompts.length > 0) {
    return wrong(
      `${
        quoted(prompts.map(({ name }) => name))
      } has a 'prompt', but OpenAI's stored prompts end on 2026-11-30 (stored_prompt)`,
      "copy the prompt's text into `instructions`, put the values of its variables into the input, then deploy",
    );
  }
  const deployed = await registeredProfiles(project, woken);
  const names = local?.map(({ name }) => name);
  if (deployed.length === 0) {
    if (!names) return skipped("no function has registered its profiles yet");
    await project.call("register_response_profiles", { p_names: names }, z.unknown());
    return ok(`${quoted(names)} registered: jobs queued in SQL can use no other`);
  }
  if (!names) return ok(`the functions have ${quoted(deployed)}`);
  const onlyHere = names.filter((name) => !deployed.includes(name));
  const onlyThere = deployed.filter((name) => !names.includes(name));
  if (onlyHere.length === 0 && onlyThere.length === 0) {
    return ok(`${quoted(names)}, here and in the deployed functions`);
  }
  return warn(
    [
      ...(onlyHere.length > 0 ? [`${quoted(onlyHere)} only in profiles.ts here`] : []),
      ...(onlyThere.length > 0 ? [`${quoted(onlyThere)} only in the deployed functions`] : []),
    ].join(", "),
    deployCommand(project.connection.functionName),
  );
}

async function registeredProfiles(project: Project, woken: boolean): Promise<string[]> {
  const until = performance.now() + (woken ? registersWithinMs : 0);
  for (;;) {
    const { profiles } = await project.call("response_doctor", {}, reportSchema);
    if (profiles.length > 0 || performance.now() >= until) return profiles;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), shutdown_date: z.string().nullish() })),
});

/**
 * Whether OpenAI lists the profiles' models, and until when.
 * @param today ms since 1970
 */
export async function checkModels(
  local: { model?: string | undefined }[] | undefined,
  secrets: Readonly<Record<string, string | undefined>>,
  today: number = Date.now(),
): Promise<Verdict> {
  const models = [...new Set(local?.flatMap(({ model }) => model ?? []))];
  if (models.length === 0) {
    return skipped("profiles.ts here spells out no model name");
  }
  const key = secrets["OPENAI_API_KEY"];
  if (!key) return skipped(`set OPENAI_API_KEY to ask OpenAI about ${quoted(models)}`);
  const url = new URL(secrets["OPENAI_BASE_URL"] || openaiUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/models`;
  const listed = await listModels(url, key);
  return "status" in listed ? listed : verdictOn(models, listed, today);
}

async function listModels(
  url: URL,
  key: string,
): Promise<Map<string, string | undefined> | Verdict> {
  try {
    const { status, body } = await send(url.href, { headers: { authorization: `Bearer ${key}` } });
    if (status === 401) {
      return wrong(
        `${url.host} does not accept your OPENAI_API_KEY`,
        `correct it in ${
          process.env["OPENAI_API_KEY"] === key
            ? "this shell's environment"
            : `supabase/${secretsFile}, or the file of --secrets-file`
        }. The deployed functions have their own, which may be the same: npx supabase secrets set --remote OPENAI_API_KEY=sk-…`,
      );
    }
    const list = modelsSchema.safeParse(body).data?.data;
    return list
      ? new Map(list.map(({ id, shutdown_date }) => [id, shutdown_date ?? undefined]))
      : skipped(`${url.host} has no list of models (HTTP ${status})`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return warn(error.message, "check OPENAI_BASE_URL and this machine's network");
  }
}

function verdictOn(
  models: string[],
  listed: ReadonlyMap<string, string | undefined>,
  today: number,
): Verdict {
  const said = models.flatMap((model) => {
    if (!listed.has(model)) return [`'${model}' is not listed`];
    const end = listed.get(model);
    const days = end === undefined ? Infinity : (Date.parse(end) - today) / dayMs;
    if (days > nearDays) return [];
    return [`'${model}' ${days < 0 ? "was shut down" : "shuts down"} on ${end}`];
  });
  return said.length === 0
    ? ok(`OpenAI lists ${quoted(models)}, none close to its shutdown`)
    : warn(
      said.join("; "),
      `use another model in supabase/${profilesPath}, then deploy: https://developers.openai.com/api/docs/deprecations`,
    );
}

function quoted(names: string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}
