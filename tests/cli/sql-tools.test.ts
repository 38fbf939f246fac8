/** `check` and `doctor` compare tools with their functions, on a whole stack: each kind of mismatch once. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { z } from "zod";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { forFile } from "../support/for-file.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { packageForFile } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = packageForFile();
const theStack = stackForFile(onTestProfiles);
const theProject = forFile(async (parts) => {
  const project = parts.use(await supabaseProject());
  const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 0, stderr);
  await theStack().sql.unsafe(functions);
  return project;
});

const functions = `
  set role postgres;
  create type public.mood as enum ('good', 'bad');
  create function public.fits(item text, pieces integer default 1, tags text[] default null, mood public.mood default 'good')
    returns void language sql as '';
  create function public.parted(a integer) returns void language sql as '';
  create function public.parted(a integer, b integer) returns void language sql as '';
  create function public.twice(a integer) returns void language sql as '';
  create function public.twice(a text) returns void language sql as '';
  create function public.unnamed(integer) returns void language sql as '';
  create function public.many(variadic a integer[]) returns void language sql as '';
  create procedure public.proceed() language sql as '';
  create function public.closed(item text) returns void language sql as '';
  revoke execute on function public.closed from public, anon, authenticated;
  create function public.definer(item text) returns void language sql security definer as '';
  create function public.dynamic(item text) returns void language plpgsql as 'begin execute item; end';
  create function public.other_role(item text) returns void language sql set role = 'service_role' as '';
  reset role;
`;

/** profiles.ts with one tool for each function and input. */
function profilesOf(tools: [name: string, input: string, more?: string][]): string {
  const list = tools.map(([name, input, more = ""], at) =>
    `sqlTool({ name: "t${at}", description: "d", function: "public.${name}", inputSchema: ${input}, ${more} })`
  );
  return `
    import { z } from "zod";
    import { defineProfiles, sqlTool } from "../_durable_responses/mod.ts";
    export const profiles = defineProfiles({ shop: { model: "gpt-6-luna", tools: [${list}] } });
  `;
}

const item = "z.object({ item: z.string() })";
const withField = (field: string) => `z.object({ item: z.string(), ${field} })`;

const faults: [tool: [name: string, input: string, more?: string], severity: string, RegExp][] = [
  [["no_such", "z.object({})"], "wrong", /there is no function public\.no_such in the database/],
  [
    ["proceed", "z.object({})"],
    "wrong",
    /public\.proceed is not a plain function, but a procedure/,
  ],
  [["fits", withField("color: z.string()")], "wrong", /fits\(.*\) has no argument 'color'/],
  [
    ["fits", "z.object({ item: z.string().optional() })"],
    "wrong",
    /fits\(.*\) cannot do without 'item', which is not given/,
  ],
  [["unnamed", "z.object({})"], "wrong", /has an argument without a name/],
  [
    ["twice", "z.object({ a: z.int() })"],
    "wrong",
    /twice\(integer\) and .*twice\(text\) match a call with 'a', so Postgres calls neither/,
  ],
  [
    ["parted", "z.object({ b: z.int() })"],
    "wrong",
    /none of the 2 functions of this name matches a call with 'b'/,
  ],
  [["many", "z.object({ a: z.array(z.int()) })"], "wrong", /many\(.*\) is variadic/],
  [["closed", item], "wrong", /runs as authenticated, which may not execute/],
  [["fits", withField("pieces: z.boolean()")], "wrong", /'pieces' is boolean, .* is integer/],
  [
    ["fits", withField("tags: z.string().array().array().or(z.int())")],
    "wrong",
    /'tags' is integer/,
  ],
  [
    ["fits", withField('mood: z.enum(["good", "angry"])')],
    "wrong",
    /'mood' is "angry", and the argument is (public\.)?mood/,
  ],
  [
    ["fits", withField("pieces: z.number()")],
    "warn",
    /'pieces' is number, and not every value of that is an integer/,
  ],
  [["fits", withField("mood: z.string()")], "warn", /'mood' is any string, and not every/],
  [["parted", "z.looseObject({ a: z.int() })"], "warn", /lets unknown fields through/],
  [["definer", item], "warn", /definer\(text\) is SECURITY DEFINER/],
  [["dynamic", item], "warn", /dynamic\(text\) has dynamic SQL \(execute\)/],
  [["other_role", item], "warn", /other_role\(text\) sets a role or the request's claims/],
];

/** Tools whose calls work. */
const fitting: [name: string, input: string, more?: string][] = [
  ["fits", item],
  [
    "fits",
    withField('pieces: z.int().nullish(), tags: z.array(z.string()), mood: z.enum(["bad"])'),
  ],
  ["fits", "z.object({ item: z.string().default('tea') })"],
  ["parted", "z.object({ a: z.int(), b: z.int().optional() })"],
  ["closed", item, 'as: "service"'],
];

const reportSchema = z.object({
  ok: z.boolean(),
  findings: z.array(z.object({
    profile: z.string(),
    path: z.string(),
    severity: z.string(),
    message: z.string(),
    hint: z.string(),
  })),
});

function environment(more: Record<string, string> = {}) {
  const { apiUrl, secretKey } = theStack().stack;
  return {
    DENO_TLS_CA_STORE: "mozilla,system",
    PATH: `${dirname(findDeno())}:${Deno.env.get("PATH")}`,
    SUPABASE_URL: apiUrl,
    SUPABASE_SECRET_KEY: secretKey,
    ...more,
  };
}

async function check(profiles: string, env: Record<string, string> = environment()) {
  const project = theProject();
  await project.write("functions/_shared/profiles.ts", profiles);
  const args = ["check", "--json", "--deno", findDeno()];
  const { code, stdout, stderr } = await thePackage().run(args, { cwd: project.folder, env });
  assert.equal(stderr, "");
  const report = reportSchema.parse(JSON.parse(stdout));
  assert.equal(code, report.ok ? 0 : 1);
  return report;
}

/** Doctor's line about the tools. */
async function doctorSays(profiles: string) {
  const project = theProject();
  await project.write("functions/_shared/profiles.ts", profiles);
  const { stdout } = await thePackage().run(["doctor", "--json"], {
    cwd: project.folder,
    env: environment(),
  });
  const line = z.object({ check: z.string(), status: z.string(), message: z.string() });
  const { checks } = z.object({ checks: z.array(line) }).parse(JSON.parse(stdout));
  return checks.find((each) => each.check === "sql tools");
}

Deno.test("each kind of mismatch is found, with its place and what to do", async () => {
  const { ok, findings } = await check(profilesOf(faults.map(([tool]) => tool)));
  assert.equal(ok, false);
  assert.deepEqual(
    findings.map(({ profile, path, severity }) => [profile, path, severity]),
    faults.map(([, severity], at) => ["shop", `tools[${at}]`, severity]),
    JSON.stringify(findings, null, 1),
  );
  for (const [at, [, , message]] of faults.entries()) {
    assert.match(findings[at]?.message ?? "", message);
    assert.match(findings[at]?.message ?? "", new RegExp(`^The tool 't${at}': `));
    assert.ok(findings[at]?.hint);
  }
});

Deno.test("every mismatch of a tool is found, not only the first", async () => {
  const { findings } = await check(
    profilesOf([["fits", withField("color: z.string(), pieces: z.boolean(), tags: z.int()")]]),
  );
  assert.deepEqual(
    findings.map(({ message }) => /argument 'color'|'pieces' is|'tags' is/.exec(message)?.[0]),
    ["argument 'color'", "'pieces' is", "'tags' is"],
  );
});

Deno.test("what fits is not complained of, by check or doctor", async () => {
  const profiles = profilesOf(fitting);
  assert.deepEqual(await check(profiles), { ok: true, findings: [] });
  assert.deepEqual(await doctorSays(profiles), {
    check: "sql tools",
    status: "ok",
    message: "checked against their tools: public.fits, public.parted, public.closed",
  });
});

Deno.test("doctor says in its line what is worst", async () => {
  const warned = await doctorSays(profilesOf([["definer", item]]));
  assert.equal(warned?.status, "warn");
  assert.match(warned?.message ?? "", /^'shop': The tool 't0': .* SECURITY DEFINER/);
  const broken = await doctorSays(
    profilesOf([["definer", item], ["no_such", item], ["many", item]]),
  );
  assert.equal(broken?.status, "wrong");
  assert.match(
    broken?.message ?? "",
    /no function public\.no_such in the database, and 2 more findings$/,
  );
});

Deno.test("check finds nothing in them without a connection, and that it could not ask with one that fails", async () => {
  const profiles = profilesOf([["no_such", item]]);
  const { SUPABASE_URL: _, SUPABASE_SECRET_KEY: __, ...unconnected } = environment();
  assert.deepEqual(await check(profiles, unconnected), { ok: true, findings: [] });
  const { code, stdout } = await thePackage().run(["check", "--strict", "--deno", findDeno()], {
    cwd: theProject().folder,
    env: unconnected,
  });
  assert.equal(code, 0, stdout);
  assert.match(
    stdout,
    /SQL tools were not compared .*: SUPABASE_URL or SUPABASE_SECRET_KEY is not/,
  );
  const refused = await check(
    profiles,
    environment({ SUPABASE_SECRET_KEY: "sb_secret_of_another" }),
  );
  assert.equal(refused.ok, true);
  assert.deepEqual(refused.findings.map(({ severity }) => severity), ["warn"]);
  assert.match(
    refused.findings[0]?.message ?? "",
    /were not compared with their Postgres functions: .*does not accept/,
  );
});
