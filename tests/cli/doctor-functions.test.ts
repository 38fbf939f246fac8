/** What `doctor` reports about functions that are not deployed, require a JWT, or lack their environment. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Project } from "../../packages/cli/src/api/project.ts";
import { checkClock } from "../../packages/cli/src/doctor/database.ts";
import { checkFunction, checkWebhook } from "../../packages/cli/src/doctor/functions.ts";
import { reportSchema } from "../../packages/cli/src/doctor/report.ts";
import { functionNames } from "../../packages/cli/src/project/release.ts";
import { createKeys } from "../../packages/dev/auth/keys.ts";
import { startEdge } from "../../packages/dev/edge/runtime.ts";
import { startGateway } from "../../packages/dev/gateway/gateway.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

/** A gateway and an Edge runtime, with nothing behind them. */
async function withFunctions(
  options: { functionsDir: string; env?: Record<string, string>; verifiesJwt?: boolean },
  run: (project: Project) => Promise<void>,
) {
  const keys = await createKeys();
  await using parts = new AsyncDisposableStack();
  const gateway = startGateway({ keys });
  parts.defer(() => gateway.stop());
  const edge = startEdge({ functionsDir: options.functionsDir, env: options.env ?? {} });
  parts.defer(() => edge.stop());
  const nothing = () => new Response(null, { status: 404 });
  const auth = { fetch: () => Promise.resolve(nothing()) };
  gateway.route({
    restUrl: gateway.url,
    auth,
    storage: auth,
    realtime: { ...auth, connect: nothing },
    edge,
    verifiesJwt: () => options.verifiesJwt ?? false,
  });
  await run(
    new Project({
      url: gateway.url,
      key: keys.secretKey,
      secrets: {},
      supabase: undefined,
      functionName: "respond",
    }),
  );
}

const ours = join(projectRoot, "supabase", "functions");

Deno.test("a function that is not deployed", () =>
  withFunctions({ functionsDir: join(projectRoot, "docs") }, async (project) => {
    for (const name of functionNames) {
      const { status, message, fix } = await checkFunction(project, name);
      assert.deepEqual({ status, message }, { status: "wrong", message: "is not deployed" });
      assert.match(fix ?? "", new RegExp(`functions deploy --remote --use-api ${name}$`));
    }
  }));

Deno.test("a function whose gateway asks for a JWT", () =>
  withFunctions({ functionsDir: ours, verifiesJwt: true }, async (project) => {
    for (const name of functionNames) {
      const { message, fix } = await checkFunction(project, name);
      assert.equal(message, "the gateway asks its callers for a JWT");
      assert.match(fix ?? "", /verify_jwt = false/);
    }
  }));

Deno.test("a function without its secrets names those that are missing", () =>
  withFunctions(
    { functionsDir: ours, env: { SUPABASE_URL: "http://127.0.0.1:1" } },
    async (project) => {
      const { message } = await checkFunction(project, "run-jobs");
      assert.match(
        message,
        /environment variables are missing or wrong: OPENAI_API_KEY .*, DURABLE_RESPONSES_WORKER_SECRET /,
      );
      assert.equal((await checkWebhook(project)).status, "wrong");
    },
  ));

Deno.test("clocks count as different only past the time that the question itself took", () => {
  const report = reportSchema.parse({
    now: "2026-11-23T12:00:00Z",
    started_at: "2026-11-23T11:00:00Z",
    migrations: null,
    extensions: {},
    cron: [],
    errors_24h: {},
    routes: [],
    workers: 0,
    vault: { project_url: null, has_worker_secret: false },
    net: { waiting: 0, answers_1h: 0, failures_1h: 0, last_failure: null },
    jobs: {
      queued: 0,
      running: 0,
      awaiting_approval: 0,
      awaiting_tool_output: 0,
      needs_review: 0,
      oldest_due_s: null,
      lost_leases: 0,
      overdue_polls: 0,
      flags_24h: 0,
    },
    schema: { major: 1, minor: 0 },
    profiles: [],
    cancels: { waiting: 0, most_tries: 0 },
    files: { bucket: null, waiting: 0, most_tries: 0 },
    unstreamed_24h: 0,
  });
  const now = Date.parse(report.now);
  assert.equal(checkClock(report, now - 90_000, now + 5_000).status, "ok");
  assert.equal(checkClock(report, now + 61_000, now + 62_000).status, "warn");
  assert.equal(
    checkClock(report, now - 400_000, now - 300_000).message,
    "this machine's clock and the database's differ by 300 s",
  );
});
