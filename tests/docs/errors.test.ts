import { failures } from "../../supabase/functions/_durable_responses/model/failure.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { sqlTest } from "../support/sql-test.ts";
import {
  mayPass,
  requestErrors,
  sqlstates,
} from "../../supabase/functions/_durable_responses/model/refusals.ts";

const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
const rows = page.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
  line.split("|").slice(1, -1).map((cell) => cell.trim())
);

const bare = (cell = "") => cell.replaceAll("`", "");

Deno.test("docs/errors.md has a row with the status of every request error, and no other", () => {
  const documented = rows.filter((cells) => cells.length === 4);
  const statuses = documented.map(([code, status]) => [bare(code), Number(status)]);
  assert.deepEqual(Object.fromEntries(statuses), requestErrors);
  const repeated = documented.filter(([, , repeat]) => repeat === "yes");
  assert.deepEqual(new Set(repeated.map(([code]) => bare(code))), mayPass);
});

Deno.test("docs/errors.md has a row with class and hint of every failure, and no other", () => {
  const documented = rows.filter((cells) => cells.length === 5).map((
    [code, kind, , , hint],
  ) => [bare(code), { class: kind, hint }]);
  assert.deepEqual(Object.fromEntries(documented), failures);
});

Deno.test("docs/errors.md names every SQLSTATE with what it becomes", () => {
  for (const [state, code] of Object.entries(sqlstates)) {
    assert.match(page.replaceAll("\n", " "), new RegExp(`\`${state}\`\\s+${code}`));
  }
});

/** The texts of all files of a folder of the project, with these endings. */
async function textsIn(folder: string, ...endings: string[]): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(join(projectRoot, folder))) {
    const path = join(folder, name);
    if (isDirectory) files.push(...await textsIn(path, ...endings));
    if (isFile && endings.some((ending) => name.endsWith(ending))) {
      files.push([path, await Deno.readTextFile(join(projectRoot, path))]);
    }
  }
  return files;
}

const product = await textsIn("supabase/functions/_durable_responses", ".ts");

Deno.test("every refusal of the functions says what cannot be done; that it has a hint is in the types", () => {
  const told = product.flatMap(([path, text]) =>
    [...text.matchAll(/new RequestError\(\s*(?:"(\w+)"|\w+),\s*(["`])([^]*?)\2/g)]
      .map(([, code, , message = ""]) => ({ path, code, message }))
  );
  assert.ok(told.length > 40, `${told.length}`);
  for (const { path, message } of told) assert.match(message, /^Cannot |^\$\{/, path);
});

Deno.test("every refusal of the database says what cannot be done, and what to do", async () => {
  const raised = (await textsIn("supabase/schemas", ".sql")).flatMap(([path, text]) =>
    [...text.matchAll(/raise exception using ([^]*?);\n/g)].map(([, using = ""]) => ({
      path,
      using,
    }))
  ).filter(({ using }) => using.includes("'DR"));
  assert.ok(raised.length > 40, `${raised.length}`);
  for (const { path, using } of raised) {
    assert.match(using, /message = (?:format\()?'Cannot /, `${path}: ${using}`);
    assert.match(using, /hint = /, `${path}: ${using}`);
  }
});

Deno.test("no message sends an adopter to a page that is only in this repository", async () => {
  const shipped = [
    ...product,
    ...await textsIn("packages/cli/src", ".ts"),
    ...await textsIn("packages/console/src", ".ts", ".tsx"),
  ];
  for (const [path, text] of shipped) {
    const code = text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    assert.doesNotMatch(code, /docs\/[\w-]+\.md/, path);
  }
  for (const [path, text] of await textsIn("supabase/schemas", ".sql")) {
    assert.doesNotMatch(text, /hint = [^;]*docs\/[\w-]+\.md/, path);
  }
});

sqlTest(
  "what the database says of a question that expired has the hint of the same code",
  async ({ db }) => {
    const expired = await db.admin<{ code: string; hint: string }[]>`
    select expired_code as code, expired_hint as hint from durable_responses.statuses where expired_code is not null`;
    assert.ok(expired.length > 0);
    const known = new Map<string, { hint: string }>(Object.entries(failures));
    for (const { code, hint } of expired) {
      assert.equal(known.get(code)?.hint, hint.replace(/\.$/, ""), code);
    }
  },
);
