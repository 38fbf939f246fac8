/** A stack, and a proxy in front of its endpoint that libraries use, with a new user for each test. */
import assert from "node:assert/strict";
import { decodeJwt, SignJWT } from "jose";
import { fileURLToPath } from "node:url";
import type { StackOptions } from "../../../packages/dev/stack.ts";
import { forFile } from "../../support/for-file.ts";
import { sharedBy } from "../../support/shared.ts";
import { renewStack } from "../../support/shared-stack.ts";
import { startTestStack, type TestStack } from "../../support/stack.ts";
import { type BreakingProxy, startBreakingProxy } from "./breaking-proxy.ts";

export interface Clients {
  test: TestStack;
  proxy: BreakingProxy;
}

/** A test's user. Counts start at 0. */
export interface Person {
  /** The options that every library has. */
  baseURL: string;
  apiKey: string;
  /** An expired token of this person. */
  staleKey: string;
  id: string;
  clients: Clients;
  /** How many jobs this person has. */
  jobs(): Promise<number>;
  /** Asserts how many jobs this person has, and how many emails they sent. */
  made(wanted: { jobs: number; mails?: number }): Promise<void>;
  /** The last response that this person asked for; undefined if there is none yet. */
  lastId(): Promise<string | undefined>;
}

export interface ClientsForFile {
  (): Clients;
  newPerson(): Promise<Person>;
}

const startedOnce = sharedBy(startClients, ({ test }) => renewStack(test));

/** On the stack that the files of this folder share. */
export function sharedClients(): ClientsForFile {
  return withPersons(startedOnce({}));
}

/** On a stack with options of its own. */
export function clientsForFile(options: StackOptions): ClientsForFile {
  return withPersons(forFile((parts) => startClients(parts, options)));
}

async function startClients(parts: AsyncDisposableStack, options: StackOptions): Promise<Clients> {
  const test = await startTestStack(parts, {
    // Not by hand, because if a worker ends, cron takes care of its jobs.
    cronByHand: false,
    profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
    ...options,
  });
  const proxy = startBreakingProxy(test.stack.apiUrl);
  parts.defer(() => proxy.stop());
  return { test, proxy };
}

function withPersons(theClients: () => Clients): ClientsForFile {
  return Object.assign(() => theClients(), { newPerson: () => newPerson(theClients()) });
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

/** The legacy secret of every local stack, as in `supabase start`. */
const legacySecret = new TextEncoder().encode(
  "super-secret-jwt-token-with-at-least-32-characters-long",
);

function expired(token: string): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) - 60;
  return new SignJWT({ ...decodeJwt(token), exp }).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(legacySecret);
}
