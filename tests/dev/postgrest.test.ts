import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { startPostgrest } from "../../packages/dev/postgrest/postgrest.ts";
import { withDatabase } from "../support/database.ts";

Deno.test("PostgREST checks both kinds of user tokens, obeys policies, and sees new tables by itself", async () => {
  await withDatabase(async ({ cluster, name, owner, createUser }) => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const jwks = JSON.stringify({
      keys: [
        {
          kty: "oct",
          alg: "HS256",
          k: secret.toBase64({ alphabet: "base64url", omitPadding: true }),
        },
        { ...await exportJWK(publicKey), alg: "ES256", kid: "current" },
      ],
    });
    const user = await createUser();
    const claims = { sub: user, role: "authenticated" };
    const modern = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "current" })
      .setExpirationTime("1h").sign(privateKey);
    const legacy = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("1h").sign(secret);
    const foreign = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("1h").sign(new Uint8Array(32));

    const rest = await startPostgrest({ dbUrl: cluster.url("authenticator", name), jwks });
    try {
      await owner.unsafe(`
        create table public.notes (owner uuid not null default auth.uid());
        alter table public.notes enable row level security;
        create policy "own" on public.notes for all to authenticated using (owner = (select auth.uid()));
      `);
      const notes = async (init: RequestInit = {}, token?: string) => {
        const headers = { prefer: "return=representation", "content-type": "application/json" };
        return await fetch(`${rest.url}/notes`, {
          ...init,
          headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
        });
      };
      // The schema is reloaded shortly after the commit.
      let added = await notes({ method: "POST", body: "{}" }, modern);
      while (added.status === 404) {
        await added.body?.cancel();
        added = await notes({ method: "POST", body: "{}" }, modern);
      }
      assert.deepEqual(await added.json(), [{ owner: user }]);
      assert.deepEqual(await (await notes({}, legacy)).json(), [{ owner: user }]);
      assert.deepEqual(await (await notes()).json(), []);
      const refused = await notes({}, foreign);
      assert.equal(refused.status, 401);
      await refused.body?.cancel();

      await rest.restart();
      assert.deepEqual(await (await notes({}, modern)).json(), [{ owner: user }]);
    } finally {
      await rest.stop();
    }
  }, { migrations: false });
});

Deno.test("a function that a server calls is ended after the platform's 8 s, with all that it did", async () => {
  await withDatabase(async ({ cluster, name, owner }) => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const k = secret.toBase64({ alphabet: "base64url", omitPadding: true });
    const server = await new SignJWT({ role: "service_role" }).setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("1h").sign(secret);
    await owner.unsafe(`
      create table public.marks (at timestamptz default now());
      create function public.mark_and_sleep(seconds int) returns void language plpgsql as
        'begin insert into public.marks default values; perform pg_sleep(seconds); end';
      grant all on public.marks to service_role;
    `);
    const rest = await startPostgrest({
      dbUrl: cluster.url("authenticator", name),
      jwks: JSON.stringify({ keys: [{ kty: "oct", alg: "HS256", k }] }),
    });
    try {
      const answer = await fetch(`${rest.url}/rpc/mark_and_sleep`, {
        method: "POST",
        headers: { authorization: `Bearer ${server}`, "content-type": "application/json" },
        body: JSON.stringify({ seconds: 60 }),
      });
      // query_canceled, from the login role's setting, because service_role has none.
      assert.equal((await answer.json()).code, "57014");
      const [{ marks } = { marks: -1 }] = await owner<{ marks: number }[]>`
        select count(*)::int as marks from public.marks
      `;
      assert.equal(marks, 0);
    } finally {
      await rest.stop();
    }
  }, { migrations: false });
});
