/** supabase-js, unchanged, against the stand-in for Auth. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { sharedProject, type TestProject } from "./support/project.ts";

const options = { auth: { persistSession: false, autoRefreshToken: false } };
const password = "correct horse";

const theProject = sharedProject();

function clientOf(project: TestProject, key: "publishableKey" | "secretKey" = "publishableKey") {
  return createClient(project.url, project.keys[key], options);
}

Deno.test("signing up creates a row in auth.users and signs in", async () => {
  const project = theProject();
  const client = clientOf(project);
  const { data, error } = await client.auth.signUp({
    email: "Ada@Example.com",
    password,
    options: { data: { name: "Ada" } },
  });
  assert.equal(error, null);
  assert.equal(data.user?.email, "ada@example.com");
  assert.equal(data.user?.user_metadata.name, "Ada");
  assert.ok(data.session?.access_token);

  const [row] = await project.database.admin`
      select * from auth.users where email = 'ada@example.com'`;
  assert.equal(row?.id, data.user?.id);
  assert.equal(row?.role, "authenticated");
  assert.match(row?.encrypted_password, /^\$2a\$/);
  assert.ok(row?.confirmed_at);

  const again = await client.auth.signUp({ email: "ada@example.com", password });
  assert.equal(again.error?.code, "user_already_exists");
  const weak = await client.auth.signUp({ email: "b@example.com", password: "short" });
  assert.equal(weak.error?.code, "weak_password");
});

Deno.test("signing in takes the right password only", async () => {
  const project = theProject();
  const client = clientOf(project);
  const { id, email, password } = await project.auth.createUser();
  const wrong = await client.auth.signInWithPassword({ email, password: "wrong password" });
  assert.equal(wrong.error?.code, "invalid_credentials");
  const right = await client.auth.signInWithPassword({ email, password });
  assert.equal(right.data.user?.id, id);
  assert.ok(right.data.user?.last_sign_in_at);
  assert.equal((await client.auth.getUser()).data.user?.id, id);
});

Deno.test("getClaims checks ES256 tokens by the JWKS and HS256 tokens through Auth", async () => {
  const project = theProject();
  const client = clientOf(project);
  const user = await project.auth.createUser();
  const { data } = await client.auth.getClaims(user.token);
  assert.equal(data?.header.alg, "ES256");
  const claims = data?.claims;
  assert.equal(claims?.sub, user.id);
  assert.equal(claims?.aud, "authenticated");
  assert.equal(claims?.role, "authenticated");
  assert.equal(claims?.email, user.email);
  assert.equal(claims?.iss, `${project.url}/auth/v1`);
  assert.equal(claims?.is_anonymous, false);
  assert.equal(claims?.app_metadata?.provider, "email");
  assert.ok(claims?.session_id);
  assert.equal((claims?.exp ?? 0) - (claims?.iat ?? 0), 3600);

  const legacy = await client.auth.getClaims(user.legacyToken);
  assert.equal(legacy.data?.header.alg, "HS256");
  assert.equal(legacy.data?.claims.sub, user.id);

  const forged = await client.auth.getClaims(`${user.legacyToken.slice(0, -4)}AAAA`);
  assert.equal(forged.error?.code, "bad_jwt");
});

Deno.test("a refresh token works once", async () => {
  const project = theProject();
  const client = clientOf(project);
  const { email, password } = await project.auth.createUser();
  const { data: { session } } = await client.auth.signInWithPassword({ email, password });
  assert.ok(session);
  const first = await client.auth.refreshSession(session);
  assert.equal(first.error, null);
  assert.notEqual(first.data.session?.refresh_token, session.refresh_token);
  const second = await clientOf(project).auth.refreshSession(session);
  assert.equal(second.error?.code, "refresh_token_not_found");
});

Deno.test("signing out ends the session, so its token is refused by Auth", async () => {
  const project = theProject();
  const client = clientOf(project);
  const { email, password } = await project.auth.createUser();
  const { data: { session } } = await client.auth.signInWithPassword({ email, password });
  assert.equal((await client.auth.signOut()).error, null);
  const response = await fetch(`${project.url}/auth/v1/user`, {
    headers: {
      apikey: project.keys.publishableKey,
      authorization: `Bearer ${session?.access_token}`,
    },
  });
  assert.equal(response.status, 403);
  assert.equal((await response.json()).error_code, "session_not_found");
});

Deno.test("only the secret key creates users by hand", async () => {
  const project = theProject();
  const refused = await clientOf(project).auth.admin.createUser({
    email: "eve@example.com",
    password,
  });
  assert.equal(refused.error?.code, "not_admin");

  const admin = clientOf(project, "secretKey");
  const { data, error } = await admin.auth.admin.createUser({
    email: "bob@example.com",
    password,
    email_confirm: true,
    app_metadata: { team: "blue" },
  });
  assert.equal(error, null);
  assert.equal(data.user?.app_metadata.team, "blue");
  const signedIn = await clientOf(project).auth.signInWithPassword({
    email: "bob@example.com",
    password,
  });
  assert.equal(signedIn.data.user?.id, data.user?.id);

  await admin.auth.admin.createUser({ email: "new@example.com", password });
  const unconfirmed = await clientOf(project).auth.signInWithPassword({
    email: "new@example.com",
    password,
  });
  assert.equal(unconfirmed.error?.code, "email_not_confirmed");
});

Deno.test("broken requests are refused in Auth's words", async () => {
  const project = theProject();
  const post = async (path: string, body: string) => {
    const response = await fetch(`${project.url}/auth/v1${path}`, {
      method: "POST",
      headers: { apikey: project.keys.publishableKey, "content-type": "application/json" },
      body,
    });
    return [response.status, (await response.json()).error_code];
  };
  assert.deepEqual(await post("/signup", "{"), [400, "bad_json"]);
  assert.deepEqual(await post("/signup", `{"email": "x"}`), [422, "validation_failed"]);
  assert.deepEqual(await post("/token?grant_type=x", "{}"), [400, "unsupported_grant_type"]);
  assert.deepEqual(await post("/admin/users", "{}"), [403, "not_admin"]);
});
