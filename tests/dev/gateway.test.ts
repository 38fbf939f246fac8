/** One port for the project: keys, tokens, CORS, streams. */
import assert from "node:assert/strict";
import { sharedProject, type TestProject } from "./support/project.ts";

const theProject = sharedProject();

async function answer(project: TestProject, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(project.url + path, { headers });
  return { status: response.status, body: await response.json() };
}

const whoAmI = "/rest/v1/rpc/who_am_i";

Deno.test("an API key without a user's token stands for its role", async () => {
  const project = theProject();
  const { publishableKey, secretKey, anonKey, serviceRoleKey } = project.keys;
  const roles = [
    [publishableKey, "anon"],
    [anonKey, "anon"],
    [secretKey, "service_role"],
    [serviceRoleKey, "service_role"],
  ] as const;
  for (const [apikey, role] of roles) {
    const expected = { role, user: null };
    assert.deepEqual((await answer(project, whoAmI, { apikey })).body, expected);
    // supabase-js also sends its key as a bearer token.
    const authorization = `Bearer ${apikey}`;
    assert.deepEqual((await answer(project, whoAmI, { apikey, authorization })).body, expected);
  }
  assert.equal((await answer(project, `${whoAmI}?apikey=${publishableKey}`)).status, 200);
});

Deno.test("a user's token of either kind goes on as it is, and row level security sees the user", async () => {
  const project = theProject();
  const user = await project.auth.createUser();
  const apikey = project.keys.publishableKey;
  for (const token of [user.token, user.legacyToken]) {
    const headers = { apikey, authorization: `Bearer ${token}` };
    const who = await answer(project, whoAmI, headers);
    assert.deepEqual(who.body, { role: "authenticated", user: user.id });
    assert.deepEqual((await answer(project, "/rest/v1/notes", headers)).body, [{ id: 1 }]);
  }
  assert.deepEqual((await answer(project, "/rest/v1/notes", { apikey })).body, []);
});

Deno.test("no key or an unknown one is a 401 that says which", async () => {
  const project = theProject();
  const apikey = project.keys.publishableKey;
  const refusals = [
    [{}, "No API key found in request"],
    [{ apikey: "sb_secret_unknown" }, "Unregistered API key"],
    [{ apikey: "eyJhbGciOiJIUzI1NiJ9.e30.x" }, "Invalid API key"],
    [{ apikey, authorization: "Bearer sb_secret_unknown" }, "Unregistered API key"],
  ] as const;
  for (const path of ["/rest/v1/notes", "/auth/v1/user"]) {
    for (const [headers, message] of refusals) {
      const { status, body } = await answer(project, path, headers);
      assert.equal(status, 401);
      assert.equal(body.message, message);
    }
  }
  const forged = await answer(project, "/rest/v1/notes", {
    apikey,
    authorization: `${`Bearer ${(await project.auth.createUser()).token}`}x`,
  });
  assert.equal(forged.status, 401);
});

Deno.test("browsers may call /rest/v1 and /auth/v1 from anywhere; functions answer preflights themselves", async () => {
  const { url } = theProject();
  const headers = {
    origin: "https://app.example.com",
    "access-control-request-method": "POST",
    "access-control-request-headers": "apikey, authorization",
  };
  for (const path of ["/rest/v1/notes", "/auth/v1/token"]) {
    const response = await fetch(url + path, { method: "OPTIONS", headers });
    assert.ok(response.ok);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.match(response.headers.get("access-control-allow-headers") ?? "", /authorization/);
    await response.body?.cancel();
  }
  const response = await fetch(`${url}/functions/v1/echo`, { method: "OPTIONS", headers });
  assert.equal((await response.json()).method, "OPTIONS");
  assert.equal(response.headers.get("access-control-allow-origin"), null);
});

Deno.test("a function that verifies JWTs is reached only with one of this project", async () => {
  const project = theProject();
  const { token, legacyToken } = await project.auth.createUser();
  const none = await answer(project, "/functions/v1/echo");
  assert.equal(none.status, 401);
  assert.equal(none.body.code, "UNAUTHORIZED_NO_AUTH_HEADER");
  for (const wrong of [`${token}x`, project.keys.secretKey, "x"]) {
    const refused = await answer(project, "/functions/v1/echo", {
      authorization: `Bearer ${wrong}`,
    });
    assert.equal(refused.status, 401);
    assert.equal(refused.body.code, "UNAUTHORIZED_INVALID_JWT_FORMAT");
  }
  for (const right of [token, legacyToken, project.keys.anonKey]) {
    const authorization = `Bearer ${right}`;
    assert.equal((await answer(project, "/functions/v1/echo", { authorization })).status, 200);
  }
});

Deno.test("a function's path begins with its name, and its headers come through", async () => {
  const project = theProject();
  const headers = { authorization: `Bearer ${project.keys.anonKey}`, apikey: "sb_secret_any" };
  const { body } = await answer(project, "/functions/v1/echo/some/id?wait=5", headers);
  assert.equal(body.path, "/echo/some/id");
  assert.equal(body.search, "?wait=5");
  assert.equal(body.headers.apikey, "sb_secret_any");
  assert.equal(body.headers.authorization, headers.authorization);
  assert.equal(body.headers["x-forwarded-proto"], "http");
  assert.equal((await answer(project, "/elsewhere")).status, 404);
});

Deno.test("a function that does not exist is a 404 that names those that do, whoever asks", async () => {
  const project = theProject();
  for (const authorization of [undefined, "Bearer x", `Bearer ${project.keys.anonKey}`]) {
    const headers = authorization === undefined ? {} : { authorization };
    const { status, body } = await answer(project, "/functions/v1/missing", headers);
    assert.equal(status, 404);
    assert.equal(body.code, "NOT_FOUND");
    assert.match(body.hint, /^The functions are 'boot-fails', 'echo', /);
  }
});

Deno.test("a streamed response comes through in pieces, and a caller who leaves ends it", async () => {
  const { url } = theProject();
  const response = await fetch(`${url}/functions/v1/life/stream?ms=60000`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader?.read())?.value, "data: first\n\n");
  await reader?.cancel();
});
