/** Who may ask: only users of this project and servers with a secret key. */
import assert from "node:assert/strict";
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT } from "jose";
import { countJobs, readJob } from "../../support/jobs.ts";
import { createOperator } from "../../support/operator.ts";
import type { TestStack } from "../../support/stack.ts";

/** A token like the user's, changed and signed with a key that is not this project's. */
async function forged(token: string, algorithm: "ES256" | "HS256"): Promise<string> {
  const jwt = new SignJWT(decodeJwt(token)).setProtectedHeader({
    ...decodeProtectedHeader(token),
    alg: algorithm,
  });
  return algorithm === "ES256"
    ? await jwt.sign((await generateKeyPair("ES256")).privateKey)
    : await jwt.sign(new TextEncoder().encode("a secret that is not this project's, 32 bytes"));
}

/** The legacy secret of every local stack, as in `supabase start`. */
const legacySecret = new TextEncoder().encode(
  "super-secret-jwt-token-with-at-least-32-characters-long",
);

function signed(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(legacySecret);
}

function withoutSignature(token: string): string {
  const header = btoa(JSON.stringify({ alg: "none", typ: "JWT" })).replace(/=+$/, "");
  return `${header}.${token.split(".")[1]}.`;
}

const hour = 3600;
const now = () => Math.floor(Date.now() / 1000);

const bad: [string, (stack: TestStack) => Promise<string | null> | string | null, string][] = [
  ["no token", () => null, "missing_token"],
  ["the publishable key only", ({ stack }) => stack.publishableKey, "missing_token"],
  ["the legacy anon key only", ({ stack }) => stack.anonKey, "missing_token"],
  ["a token that is no JWT", () => "abc", "invalid_token"],
  ["a token with its last third cut off", ({ user }) => user.token.slice(0, -60), "invalid_token"],
  ["a token without a signature", ({ user }) => withoutSignature(user.token), "invalid_token"],
  ["a token of a foreign key", ({ user }) => forged(user.token, "ES256"), "invalid_token"],
  [
    "a legacy token of a foreign key",
    ({ user }) => forged(user.legacyToken, "HS256"),
    "invalid_token",
  ],
  [
    "an expired token",
    ({ user }) => signed({ ...decodeJwt(user.legacyToken), exp: now() - hour }),
    "invalid_token",
  ],
  [
    "a token of nobody",
    () => signed({ role: "authenticated", exp: now() + hour }),
    "invalid_token",
  ],
  [
    "a made-up service_role token",
    () => signed({ role: "service_role", iss: "me", exp: now() + hour }),
    "invalid_token",
  ],
  ["a secret key that is not this project's", () => "sb_secret_of_somebody_else", "invalid_token"],
];

export function testCallers(theStack: () => TestStack): void {
  for (const [name, tokenOf, code] of bad) {
    Deno.test(`respond refuses ${name}: 401 ${code}, and no row`, async () => {
      const stack = theStack();
      const before = await countJobs(stack.sql);
      const answer = await stack.ask({ token: await tokenOf(stack), body: { query: "hi" } });
      assert.deepEqual([answer.status, answer.code], [401, code]);
      assert.ok(!JSON.stringify(answer.body).includes("***"), "no word of ours is masked");
      assert.equal(await countJobs(stack.sql), before);
    });
  }

  for (const kind of ["token", "legacyToken"] as const) {
    Deno.test(`a user's ${kind === "token" ? "ES256" : "HS256"} token makes the job theirs`, async () => {
      const { ask, user, sql } = theStack();
      const answer = await ask({ token: user[kind], body: { query: "hi" } });
      assert.equal(answer.status, 202);
      assert.equal((await readJob(sql, answer.id)).owner_id, user.id);
    });
  }

  for (const way of ["apikey", "bearer", "legacy bearer"] as const) {
    Deno.test(`a server's key as ${way} makes a job without an owner, and sees all`, async () => {
      const { ask, submit, stack, sql } = theStack();
      const request = way === "apikey"
        ? { token: null, headers: { apikey: stack.secretKey } }
        : { token: way === "bearer" ? stack.secretKey : stack.serviceRoleKey };
      const answer = await ask({ ...request, body: { query: "hi" } });
      assert.equal(answer.status, 202);
      assert.equal((await readJob(sql, answer.id)).owner_id, null);
      const theirs = await submit("plain", "hi");
      assert.equal((await ask({ ...request, path: `/${theirs.id}` })).status, 200);
    });
  }

  Deno.test("a user's token beside a secret key counts: the lesser right", async () => {
    const { ask, stack, user, sql } = theStack();
    const answer = await ask({ headers: { apikey: stack.secretKey }, body: { query: "hi" } });
    assert.equal((await readJob(sql, answer.id)).owner_id, user.id);
  });

  Deno.test("an operator sees and cancels another user's job, under their own name", async () => {
    const { stack, sql, submit, ask, fresh } = theStack();
    const { body: job } = await submit(fresh("plain"), "Hello");
    const { token } = await createOperator({ stack, sql });
    assert.equal((await ask({ path: `/${job.id}`, token })).status, 200);
    const { status } = await ask({ method: "POST", path: `/${job.id}/cancel`, token });
    assert.ok([200, 409].includes(status), `${status}`);
    const own = await ask({ token, body: { query: "Hello", request: {} } });
    assert.equal(own.status, 400);
  });

  Deno.test("another user's job is like one that is not there", async () => {
    const { ask, submit, stack } = theStack();
    const { id } = await submit("plain", "hi");
    const other = await stack.createUser();
    const missing = crypto.randomUUID();
    for (const action of ["", "/cancel", "/retry"]) {
      const request = { token: other.token, method: action === "" ? "GET" : "POST" };
      const answer = await ask({ ...request, path: `/${id}${action}` });
      const without = await ask({ ...request, path: `/${missing}${action}` });
      assert.deepEqual([answer.status, answer.code], [404, "job_not_found"]);
      const text = JSON.stringify(answer.body).replaceAll(id, missing);
      assert.equal(text, JSON.stringify(without.body));
    }
  });

  Deno.test("while Auth does not answer, a legacy token is 503 and not 401", async () => {
    const { ask, user, proxy, sql } = theStack();
    const before = await countJobs(sql);
    proxy.intercept = (path) =>
      path.startsWith("/auth/") ? new Response("no", { status: 503 }) : undefined;
    try {
      const answer = await ask({ token: user.legacyToken, body: { query: "hi" } });
      assert.deepEqual([answer.status, answer.code], [503, "database_unavailable"]);
      assert.ok(answer.headers.get("retry-after"));
      assert.equal(await countJobs(sql), before);
    } finally {
      proxy.intercept = undefined;
    }
  });
}
