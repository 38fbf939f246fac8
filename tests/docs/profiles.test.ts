/** Compares docs/profiles.md with the type, the defaults and the check of profiles. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { checkProfiles } from "../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";
import {
  decidedElsewhere,
  fieldNames,
} from "../../supabase/functions/_durable_responses/profiles/check/fields.ts";
import { callerParams } from "../../supabase/functions/_durable_responses/profiles/caller-settings.ts";
import {
  defaultApprovalMs,
  defaultBudgets,
  defaultRetry,
  defaultReviewMs,
} from "../../supabase/functions/_durable_responses/profiles/profile.ts";
import { effects, guards } from "../../supabase/functions/_durable_responses/model/status.ts";

const page = await Deno.readTextFile(join(projectRoot, "docs", "profiles.md"));
const sections = new Map(
  page.split(/^### /m).slice(1).map((text) => {
    const [title = "", ...lines] = text.split("\n");
    return [title.replaceAll("`", ""), lines.join("\n")];
  }),
);
const passedOn = sections.get("Other settings of OpenAI's") ?? "";

/** The rows of the tables in a text, cell by cell, without the marks. */
function rowsOf(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.replaceAll("`", "").trim())
  );
}

const namesIn = (text: string) => rowsOf(text).map(([name = ""]) => name);

const units: Readonly<Record<string, number>> = {
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  days: 24 * 3_600_000,
};

/** `10 min` as 600000; a plain number is itself. */
function inMs(text = ""): number {
  const [count, unit] = text.split(" ");
  const factor = unit === undefined ? 1 : units[unit];
  assert.ok(factor !== undefined, `'${text}' is no duration`);
  return Number(count) * factor;
}

Deno.test("docs/profiles.md has a section or a row for every field of a profile, and no other", () => {
  const documented = [...sections.keys()].filter((title) => /^[a-z_]+$/.test(title));
  assert.deepEqual([...documented, ...namesIn(passedOn)].toSorted(), fieldNames.toSorted());
  for (const name of decidedElsewhere.keys()) {
    assert.match(passedOn, new RegExp(`cannot set[^.]*\`${name}\``), name);
  }
});

Deno.test("every section of a field says its type and its default, and has an example", () => {
  for (const [title, text] of sections) {
    if (title === "Other settings of OpenAI's") continue;
    assert.match(text, /Type: /, `${title}: no type`);
    assert.match(text, /Default: |Required\.|\| default \|/, `${title}: no default`);
    assert.match(text, new RegExp(`^\`\`\`ts\n(?:[^]*\n)?${title}: `, "m"), `${title}: no example`);
  }
});

Deno.test("the defaults on the page are those of the code", () => {
  const defaults = (field: string) =>
    Object.fromEntries(
      rowsOf(sections.get(field) ?? "").map(([name, value]) => [name, inMs(value)]),
    );
  assert.deepEqual(defaults("budgets"), { ...defaultBudgets });
  assert.deepEqual(defaults("retry"), { ...defaultRetry });
  const said = (field: string) =>
    inMs(/Default:\s+(\d+ days)/.exec(sections.get(field) ?? "")?.[1]);
  assert.equal(said("approval_ms"), defaultApprovalMs);
  assert.equal(said("review_ms"), defaultReviewMs);
});

Deno.test("the values on the page are those of the code", () => {
  const quoted = (field: string) => namesIn((sections.get(field) ?? "").replaceAll('"', ""));
  assert.deepEqual(quoted("side_effects"), [...effects]);
  assert.deepEqual(quoted("guard"), [...guards]);
  const callers = (sections.get("caller_may") ?? "").split("Default:")[0] ?? "";
  assert.deepEqual([...callers.matchAll(/`"(\w+)"`/g)].map(([, name]) => name), [...callerParams]);
});

Deno.test("every example of docs/profiles.md fits the types and passes the check", async () => {
  const fragments = [...page.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code = ""]) => code);
  const [, wholeFile = ""] = /^```ts file\n([^]*?)^```/m.exec(page) ?? [];
  assert.ok(fragments.length >= 10 && wholeFile !== "");
  const profiles = fragments.map((code, index) =>
    `"example ${index + 1}": {\n${
      code.includes("model:") ? "" : 'model: "gpt-6-luna",'
    }\n${code}\n},`
  );
  const head = wholeFile.slice(0, wholeFile.indexOf("export const"));
  // Inside the repository, so that the examples find their packages.
  await Deno.mkdir(join(projectRoot, ".local"), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: join(projectRoot, ".local"), prefix: "profiles-" });
  const product = relative(folder, join(projectRoot, "supabase/functions/_durable_responses"));
  try {
    const files = [
      wholeFile,
      `${head}export const profiles = defineProfiles({\n${profiles.join("\n")}\n});\nvoid secret;`,
    ];
    for (const [index, text] of files.entries()) {
      const path = join(folder, `profiles-${index}.ts`);
      await Deno.writeTextFile(path, text.replace("../_durable_responses", product));
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["check", "--quiet", "--node-modules-dir=manual", path],
        cwd: projectRoot,
        env: { NO_COLOR: "1" },
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const loaded = z.object({ profiles: z.record(z.string(), z.unknown()) }).parse(
        await import(new URL(`file://${path}`).href),
      );
      assert.deepEqual((await checkProfiles(loaded.profiles, () => true)).findings, []);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
