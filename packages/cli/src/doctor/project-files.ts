/** Checks the folder: the files from init, and the settings in config.toml. */
import { join } from "node:path";
import { isHalfFinished } from "../init/apply.ts";
import { wrongSettings } from "../init/config-toml.ts";
import { readText } from "../project/locate.ts";
import { hashOf, readManifest } from "../project/manifest.ts";
import { functionsNamed, type Release } from "../project/release.ts";
import { count } from "../terminal/count.ts";
import { ok, skipped, type Verdict, warn, wrong } from "./finding.ts";

/** @param supabase the project's folder; undefined outside of one */
export async function checkFiles(
  supabase: string | undefined,
  release: Release,
): Promise<Verdict> {
  if (supabase === undefined) {
    return skipped("not run in a Supabase project's folder");
  }
  if (await isHalfFinished(supabase)) {
    return wrong("an init was interrupted", "npx durable-responses init");
  }
  const manifest = await readManifest(supabase);
  if (!manifest) {
    return wrong(
      "init has not been run in this project",
      "npx durable-responses init",
    );
  }
  const missing: string[] = [];
  const changed: string[] = [];
  for (const [path, hash] of Object.entries(manifest.files)) {
    const text = await readText(join(supabase, path));
    if (text === undefined) missing.push(path);
    else if (hashOf(text) !== hash) changed.push(path);
  }
  if (missing.length > 0) {
    return wrong(
      `${count(missing.length, "file")} missing, such as supabase/${missing[0]}`,
      "npx durable-responses init",
    );
  }
  if (manifest.release !== release.version) {
    return warn(
      `the project has release ${manifest.release}, but this is ${release.version}`,
      "npx durable-responses init",
    );
  }
  return changed.length > 0
    ? warn(
      `${count(changed.length, "file")} changed since the release, such as supabase/${changed[0]}`,
      `keep it in mind when you upgrade; npx durable-responses init --restore ${
        changed[0]
      } takes the release's`,
    )
    : ok(
      `release ${manifest.release}, all files unchanged`,
    );
}

export async function checkConfig(
  supabase: string | undefined,
  functionName: string,
): Promise<Verdict> {
  if (supabase === undefined) {
    return skipped("not run in a Supabase project's folder");
  }
  const found = wrongSettings(
    await readText(join(supabase, "config.toml")) ?? "",
    functionsNamed(functionName),
  );
  return found.length === 0
    ? ok(
      "JWT checks are off for the three functions (they check callers themselves), import map set",
    )
    : wrong(
      `config.toml: ${found.join("; ")}`,
      "npx durable-responses init, then deploy the functions again",
    );
}
