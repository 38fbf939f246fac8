/** A stack, and what a library is pointed at: a proxy in front of the endpoint, with a user of its own for each test. */
import assert from "node:assert/strict";
import { decodeJwt, SignJWT } from "jose";
import { fileURLToPath } from "node:url";
import type { StackOptions } from "../../../packages/dev/stack.ts";
import { forFile } from "../../support/for-file.ts";
import { startTestStack, type TestStack } from "../../support/stack.ts";
import { type BreakingProxy, startBreakingProxy } from "./breaking-proxy.ts";

export interface Clients {
  test: TestStack;
  proxy: BreakingProxy;
}

/** What one test has: whatever it does is counted from here. */
export interface Person {
  /** The options that every library takes. */
  baseURL: string;
  apiKey: string;
  /** A token of this person's that has expired. */
  staleKey: string;
  id: string;
  clients: Clients;
  /** How many jobs there are of this person. */
  jobs(): Promise<number>;
  /** Asserts how many jobs and mails there are of this person. */
  made(wanted: { jobs: number; mails?: number }): Promise<void>;
  /** The response that this person asked for last; undefined where there is none yet. */
  lastId(): Promise<string | undefined>;
}

export interface ClientsForFile {
  (): Clients;
  newPerson(): Promise<Person>;
}

/** One stack for all tests of a file. */
export function clientsForFile(options: StackOptions = {}): ClientsForFile {
  const theClients = forFile(async (parts) => {
    const test = await startTestStack(parts, {
      // Not by hand: where a worker ends, cron looks after its jobs.
      cronByHand: false,
      profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
      ...options,
    });
    const proxy = startBreakingProxy(test.stack.apiUrl);
    parts.defer(() => proxy.stop());
    return { test, proxy };
  });
  return Object.assign(theClients, { newPerson: () => newPerson(theClients()) });
}

async function newPerson(clients: Clients): Promise<Person> {
  const { test: { stack, sql }, proxy } = clients;
  const { id, token, legacyToken } = await stack.createUser();
  const before = stack.mailbox.sent.length;
  const jobs = async () =>
    (await sql`select from public.response_jobs_internal where owner_id = ${id}`).length;
  return {
    baseURL: `${proxy.origin}/functions/v1/respond/v1`,
    apiKey: token,
    staleKey: await expired(legacyToken),
    id,
    clients,
    jobs,
    async made(wanted) {
      assert.deepEqual(
        { jobs: await jobs(), mails: stack.mailbox.sent.length - before },
        { mails: 0, ...wanted },
      );
    },
    async lastId() {
      const [row] = await sql`
        select id::text from public.response_jobs_internal where owner_id = ${id} order by id desc limit 1`;
      return row && `resp_${String(row["id"]).replaceAll("-", "")}`;
    },
  };
}

/** The legacy secret that every local stack has, as `supabase start` has it. */
const legacySecret = new TextEncoder().encode(
  "super-secret-jwt-token-with-at-least-32-characters-long",
);

function expired(token: string): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) - 60;
  return new SignJWT({ ...decodeJwt(token), exp }).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(legacySecret);
}
