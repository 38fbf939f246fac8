/** A whole stack with what tests of the main job need: a user, a counting proxy, and short ways to ask and to look. */
import type { Sql } from "postgres";
import { fileURLToPath } from "node:url";
import type { SignedInUser } from "../../packages/dev/auth/auth.ts";
import type { OpenAIStandIn } from "../../packages/dev/openai/mod.ts";
import { type Stack, type StackOptions, startStack } from "../../packages/dev/stack.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import { eventually } from "./eventually.ts";
import { forFile } from "./for-file.ts";
import { isFinal, type JobRow, readJob } from "./jobs.ts";
import { COPIES, type ProfileName } from "./profiles.ts";

export interface Ask {
  method?: string;
  /** After `/functions/v1/respond`. */
  path?: string;
  /** The user's by default; null for none. */
  token?: string | null;
  /** Sent as JSON, a string as it is. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface TestStack {
  stack: Stack;
  openai: OpenAIStandIn;
  proxy: CountingProxy;
  /** As superuser. */
  sql: Sql;
  user: SignedInUser;
  /** One request to `respond`; POST by default when there is a body, else GET. */
  ask(request: Ask): Promise<Answer>;
  /** Submits a query of the user. */
  submit(profile: string, query: string, more?: Record<string, unknown>): Promise<Answer>;
  /** A copy of a profile that no test has used yet, so that its route has learned nothing. */
  fresh(name: ProfileName): string;
  /** Waits until a job is final. */
  finished(id: string): Promise<JobRow>;
  /** Runs the cron job that wakes the worker, and waits until its request is answered. */
  runCron(): Promise<void>;
}

/** One stack for all tests of a file, on the test profiles. Its cron runs only when a test says so. */
export function testStackForFile(options: StackOptions = {}): () => TestStack {
  return forFile(async (parts) => {
    const proxy = startCountingProxy();
    parts.defer(() => proxy.stop());
    const stack = await startStack({
      profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
      ...options,
      env: { SUPABASE_URL: proxy.url, ...options.env },
    });
    parts.defer(() => stack.stop());
    proxy.target = stack.apiUrl;
    stack.cron.pause();
    const sql = stack.database.connect("supabase_admin", "postgres", { max: 3 });
    parts.defer(() => sql.end());
    return await withShortcuts(stack, proxy, sql);
  });
}

async function withShortcuts(stack: Stack, proxy: CountingProxy, sql: Sql): Promise<TestStack> {
  const { openai } = stack;
  if (openai === undefined) throw new Error("Cannot test without the OpenAI stand-in");
  const user = await stack.createUser();
  const used = new Map<ProfileName, number>();

  const ask = async ({ method, path = "", token = user.token, body, headers = {} }: Ask) =>
    await readAnswer(
      await fetch(`${stack.functionsUrl}/respond${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
  return {
    ...{ stack, openai, proxy, sql, user, ask },
    submit: (profile, query, more = {}) => ask({ body: { profile, query, ...more } }),
    fresh(name) {
      const number = (used.get(name) ?? 0) + 1;
      if (number > COPIES) {
        throw new Error(`Cannot give another '${name}': raise COPIES in tests/support/profiles.ts`);
      }
      used.set(name, number);
      return `${name}-${number}`;
    },
    finished: (id) => eventually(`the end of job ${id}`, () => readJob(sql, id), isFinal),
    async runCron() {
      const { status, message } = await stack.cron.runJob("durable-responses-wake");
      if (status === "failed") throw new Error(`Cannot wake the worker: ${message}`);
      await stack.net.flush();
    },
  };
}
