/** `jobs` and `routes` on a whole stack. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { eventually } from "../support/eventually.ts";
import { holdForReview } from "../support/job-state.ts";
import { stackForFile } from "../support/stack.ts";
import { packageForFile } from "./support/package.ts";

const thePackage = packageForFile();
const theStack = stackForFile({ profiles: join(projectRoot, "tests/cli/support/profiles.ts") });

function run(args: string[]) {
  const { apiUrl, secretKey } = theStack().stack;
  const env = { SUPABASE_SECRET_KEY: secretKey };
  return thePackage().run([...args, "--url", apiUrl], { cwd: "/", env });
}

async function json(args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...args, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

interface Submitted {
  id: string;
  status: string;
}

/** Submits with the secret key and waits for `status`. */
async function submit(profile: string, query: string, status = "completed"): Promise<Submitted> {
  const { functionsUrl, secretKey } = theStack().stack;
  const ask = async (path: string, init: RequestInit): Promise<Submitted> => {
    const headers = { apikey: secretKey, "content-type": "application/json" };
    return await (await fetch(`${functionsUrl}/respond${path}`, { ...init, headers })).json();
  };
  const { id } = await ask("", { method: "POST", body: JSON.stringify({ profile, query }) });
  return await eventually(`job ${id}`, () => ask(`/${id}`, {}), (job) => job.status === status);
}

Deno.test("jobs list shows the newest first, filtered, as a table or as JSON", async () => {
  const { id } = await submit("default", "What is a durable response?");
  const { stdout } = await run([
    "jobs",
    "list",
    "--status",
    "completed,failed",
    "--profile",
    "default",
  ]);
  const [header, row] = stdout.split("\n");
  assert.match(header ?? "", /^id +status +profile +runs +age +question +answer or error$/);
  assert.match(
    row ?? "",
    new RegExp(`^${id.slice(-8)}  completed  default +1 .*What is a durable response\\?`),
  );
  // The end of an id, as the list shows it, is enough.
  const shown = await run(["jobs", "show", id.slice(-8)]);
  assert.match(
    shown.stdout,
    new RegExp(`^${id}  completed.*\nasked: What is a durable response\\?$`, "m"),
  );
  const unknown = await run(["jobs", "show", "ffffffff"]);
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /among the newest 1000/);
  assert.deepEqual(
    JSON.parse((await run(["jobs", "list", "--limit", "1", "--json"])).stdout)[0].id,
    id,
  );
  const none = await run(["jobs", "list", "--profile", "none"]);
  assert.deepEqual([none.code, none.stdout], [0, ""]);
  assert.match(none.stderr, /^No such jobs\.\n/);
});

Deno.test("jobs show gives the answer and what happened, step by step", async () => {
  const { id } = await submit("default", "Say hello");
  const { stdout } = await run(["jobs", "show", id]);
  assert.match(stdout, new RegExp(`^${id}  completed, profile default`));
  assert.match(stdout, /^time +run +event +detail$/m);
  assert.match(stdout, /^\+0\.0 s +0 +accepted +profile default$/m);
  assert.match(stdout, /^\+\S+ s +1 +run_completed +background$/m);
  assert.doesNotMatch(stdout, /attempt/);
});

Deno.test("nothing that an answer says acts on the terminal, and JSON says it exactly", async () => {
  const said = "\x1bcowned\x07\x9b2J\x08 pay \u202emoc.knab";
  const { id } = await submit("default", `[[plan: text ${said}]] Say it`);
  // deno-lint-ignore no-control-regex
  const acts = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;
  for (const args of [["show", id], ["show", id, "--json"], ["list"], ["list", "--json"]]) {
    const { stdout } = await run(["jobs", ...args]);
    assert.match(stdout, /owned/);
    assert.doesNotMatch(stdout, acts, args.join(" "));
  }
  assert.equal((await json(["jobs", "show", id]))["output_text"], said);
});

Deno.test("a call that waits for a yes is shown with its arguments, approved, and the job continues", async () => {
  const query = '[[plan: call everything.echo {"message":"hello"}]]';
  const { id } = await submit("asks", query, "awaiting_approval");
  assert.match(
    (await run(["jobs", "show", id])).stdout,
    /asks about everything\.echo {2}\(request mcpr_\w+, digest [0-9a-f]{64}\)\n {6}\{"message":"hello"\}\n/,
  );
  assert.match(
    (await run(["jobs", "show", id])).stdout,
    new RegExp(`^ +→ .*jobs approve ${id} \\(--reject says no\\)$`, "m"),
  );
  const unknown = await run(["jobs", "approve", id, "--request", "mcpr_none"]);
  assert.match(
    unknown.stderr,
    new RegExp(
      `→ .*jobs show ${id} names what waits: each call with its --request and --digest$`,
      "m",
    ),
  );
  const short = await run(["jobs", "approve", id, "--digest", "abc"]);
  assert.equal(short.code, 2);
  assert.match(short.stderr, /It must be a digest, all of it, as `jobs show` names it/);
  const approved = await json(["jobs", "approve", id, "--reason", "fine"]);
  assert.equal(approved["status"], "queued");
  const again = await run(["jobs", "approve", id]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^Error: Cannot answer for job .* \(invalid_state\)\n {2}→ /);
  // A worker has run by now, and has registered its profiles.
  assert.equal(
    (await run(["jobs", "list", "--profile", "none"])).stderr,
    "No such jobs.\nThe functions have no profile 'none'. They have 'asks', 'default'.\n",
  );
});

/** A job with a call in doubt. */
async function uncertainJob(): Promise<string> {
  const sql = theStack().stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    return await sql.begin(async (tx) => {
      const [row] = await tx`select public.enqueue_response_job('hello') as id`;
      const id = String(row?.["id"]);
      await holdForReview(tx, id, "The test says so");
      return id;
    });
  } finally {
    await sql.end();
  }
}

Deno.test("a job that needs review says why, and continues as it is resolved", async () => {
  const id = await uncertainJob();
  assert.match((await run(["jobs", "show", id])).stdout, /needs review: The test says so/);
  assert.match(
    (await run(["jobs", "show", id])).stdout,
    new RegExp(
      `→ .*jobs resolve ${id} --outcome happened \\(or did_not_happen, or cancel\\)$`,
      "m",
    ),
  );
  assert.equal((await run(["jobs", "resolve", id])).code, 2);
  assert.equal((await json(["jobs", "resolve", id, "--outcome", "cancel"]))["status"], "cancelled");
  const again = await run(["jobs", "resolve", id, "--outcome", "happened"]);
  assert.match(again.stderr, /Cannot resolve job .*: it is cancelled \(invalid_state\)/);
});

Deno.test("a cancelled job is retried as a new one, a finished one cannot be cancelled", async () => {
  const id = await uncertainJob();
  assert.equal((await json(["jobs", "cancel", id]))["status"], "cancelled");
  const retried = await json(["jobs", "retry", id]);
  assert.equal(retried["retry_of"], id);
  const twice = await run(["jobs", "retry", id]);
  assert.equal(twice.code, 0);
  assert.match(
    twice.stderr,
    new RegExp(`^It was retried before, .* again: .*jobs retry ${retried["id"]}\n$`),
  );
  const finished = await submit("default", "Say hello");
  const refused = await run(["jobs", "cancel", finished.id]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Cannot cancel job .*: it is already completed \(invalid_state\)/);
});

Deno.test("routes shows the breaker, and reset closes it", async () => {
  const sql = theStack().stack.database.connect("supabase_admin", "postgres", { max: 1 });
  await submit("default", "One more");
  const [route] =
    await sql`update public.response_routes set breaker = 'open', probe_at = now(), background_failures = 3, last_failure = 'openai_server_error' where profile = 'default' and model <> '' returning route`;
  const name = String(route?.["route"]);
  assert.match(
    (await run(["routes"])).stdout,
    new RegExp(`${name} +open +3 \\(openai_server_error\\)`),
  );
  assert.equal((await run(["routes", "reset", name])).code, 0);
  const [after] =
    await sql`select breaker, probe_at from public.response_routes where route = ${name}`;
  await sql.end();
  assert.deepEqual({ ...after }, { breaker: "closed", probe_at: null });
  assert.match((await run(["routes", "reset", "nope"])).stderr, /there is no such route/);
});

Deno.test("a reader that has enough, as head has, is no fault", async () => {
  const { stack } = theStack();
  const main = `${thePackage().folder}/main.js`;
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: [
      "-c",
      `for i in 1 2 3; do node '${main}' jobs list --json; done | head -c 1; exit "\${PIPESTATUS[0]}"`,
    ],
    env: { SUPABASE_URL: stack.apiUrl, SUPABASE_SECRET_KEY: stack.secretKey },
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "[");
  assert.equal(new TextDecoder().decode(stderr), "");
});
