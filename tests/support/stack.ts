/**
 * The whole stack, for tests: started before the first test and stopped after the last one, with a user, a database
 * connection, and shortcuts for requests. A harness that needs more builds on `startTestStack`.
 */
import type { Sql } from "postgres";
import { fileURLToPath } from "node:url";
import type { SignedInUser } from "../../packages/dev/auth/auth.ts";
import type { OpenAIStandIn } from "../../packages/dev/openai/mod.ts";
import {
  fastTimings,
  type Stack,
  type StackOptions,
  startStack,
} from "../../packages/dev/stack.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import { eventually } from "./eventually.ts";
import { forFile } from "./for-file.ts";
import { isFinal, type JobRow, readJob } from "./jobs.ts";
import { testPlans } from "./plans.ts";
import { copyCount, type ProfileName } from "./profiles.ts";

/** A proxy in front of a part of the stack: functions get its url, and it forwards to its target. */
export interface Front {
  readonly url: string;
  target: string;
}

export interface TestStackOptions extends StackOptions {
  /** Between the functions and Supabase, in front of the counting proxy. */
  frontOfSupabase?: Front;
  /** Between the functions and OpenAI. */
  frontOfOpenAI?: Front;
  /** Cron runs only when a test runs it. */
  cronByHand?: boolean;
}

/** The module of the tests' profiles. */
export const testProfiles = fileURLToPath(new URL("./profiles.ts", import.meta.url));

/** With the tests' profiles, and nothing happens by itself. */
export const onTestProfiles: TestStackOptions = { profiles: testProfiles, cronByHand: true };

export interface Ask {
  method?: string;
  /** After `/functions/v1/respond`. */
  path?: string;
  /** Default: the user's. null: none. */
  token?: string | null;
  /** Sent as JSON; a string as it is. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface TestStack {
  readonly stack: Stack;
  /** Reading it throws if the stack uses another OpenAI. */
  readonly openai: OpenAIStandIn;
  /** Between the functions and the gateway. */
  readonly proxy: CountingProxy;
  /** As superuser. */
  readonly sql: Sql;
  readonly user: SignedInUser;
  /** One request to `respond`. Default: POST with a body, otherwise GET. */
  ask(request: Ask): Promise<Answer>;
  /** Submits a query as the user. */
  submit(profile: string, query: string, more?: Record<string, unknown>): Promise<Answer>;
  /** A copy of a profile in tests/support/profiles.ts that no test has used yet, so its route has learned nothing. */
  fresh(name: ProfileName): string;
  /** Copies of profiles count as unused again: their routes have forgotten everything. */
  reuseCopies(): void;
  /** The same stack with another user. */
  as(user: SignedInUser): TestStack;
  /** Waits until a job is final. */
  finished(id: string): Promise<JobRow>;
  /** Runs the cron job that wakes the worker, and waits until its request is answered. */
  wake(): Promise<void>;
}

/** One stack for all tests of a file, which may change it. `sharedStack` (shared-stack.ts) costs less. */
export function stackForFile(options: TestStackOptions = {}): () => TestStack {
  return forFile((parts) => startTestStack(parts, options));
}

/** Runs `run` with its own stack, and stops that whatever happens. */
export async function withStack(
  options: TestStackOptions,
  run: (test: TestStack) => Promise<void>,
): Promise<void> {
  await using parts = new AsyncDisposableStack();
  await run(await startTestStack(parts, options));
}

/**
 * Starts a stack that ends with `parts`. By default, its database is not durable. Its functions are bundled if they are this
 * project's.
 */
export async function startTestStack(
  parts: AsyncDisposableStack,
  { frontOfSupabase, frontOfOpenAI, cronByHand = false, ...options }: TestStackOptions,
): Promise<TestStack> {
  const proxy = startCountingProxy();
  parts.defer(() => proxy.stop());
  const stack = await startStack({
    durable: false,
    ...(options.project === undefined && { packages: "bundled" }),
    ...(options.openai === undefined && { plans: testPlans, openaiTimings: fastTimings }),
    ...options,
    env: {
      SUPABASE_URL: frontOfSupabase?.url ?? proxy.url,
      ...(frontOfOpenAI && { OPENAI_BASE_URL: `${frontOfOpenAI.url}/v1` }),
      ...options.env,
    },
  });
  parts.defer(() => stack.stop());
  proxy.target = stack.apiUrl;
  if (frontOfSupabase) frontOfSupabase.target = proxy.url;
  if (frontOfOpenAI) frontOfOpenAI.target = openaiOf(stack).origin;
  if (cronByHand) stack.cron.pause();
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 3 });
  parts.defer(() => sql.end());
  return withShortcuts({ stack, proxy, sql, used: new Map() }, await stack.createUser());
}

interface Parts extends Pick<TestStack, "stack" | "proxy" | "sql"> {
  /** How many copies of each profile are used. */
  used: Map<ProfileName, number>;
}

function withShortcuts(parts: Parts, user: SignedInUser): TestStack {
  const { stack, proxy, sql, used } = parts;
  const ask = async ({ method, path = "", token = user.token, body, headers = {} }: Ask) =>
    await readAnswer(
      await fetch(`${stack.functionsUrl}/respond${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
  return {
    stack,
    get openai() {
      return openaiOf(stack);
    },
    proxy,
    sql,
    user,
    ask,
    reuseCopies: () => used.clear(),
    as: (other) => withShortcuts(parts, other),
    submit: (profile, query, more = {}) => ask({ body: { profile, query, ...more } }),
    fresh(name) {
      const number = (used.get(name) ?? 0) + 1;
      if (number > copyCount) {
        throw new Error(
          `Cannot give another '${name}': raise copyCount in tests/support/profiles.ts`,
        );
      }
      used.set(name, number);
      return `${name}-${number}`;
    },
    finished: (id) => eventually(`the end of job ${id}`, () => readJob(sql, id), isFinal),
    async wake() {
      const { status, message } = await stack.cron.runJob("durable-responses-wake");
      if (status === "failed") throw new Error(`Cannot wake the worker: ${message}`);
      await stack.net.flush();
    },
  };
}

function openaiOf({ openai }: Stack): OpenAIStandIn {
  if (openai === undefined) throw new Error("Cannot use the OpenAI stand-in: this stack has none");
  return openai;
}
