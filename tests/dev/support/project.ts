/** A project without the product: gateway, Auth, PostgREST, Realtime, Storage, the fixture functions, and a database. */
import { type Auth, startAuth } from "../../../packages/dev/auth/auth.ts";
import { type ApiKeys, createKeys } from "../../../packages/dev/auth/keys.ts";
import { startEdge } from "../../../packages/dev/edge/runtime.ts";
import { startGateway } from "../../../packages/dev/gateway/gateway.ts";
import { startPostgrest } from "../../../packages/dev/postgrest/postgrest.ts";
import { type Realtime, startRealtime } from "../../../packages/dev/realtime/realtime.ts";
import { startStorage } from "../../../packages/dev/storage/storage.ts";
import { fixtures } from "./edge.ts";
import { forFile } from "../../support/for-file.ts";
import { sharedBy } from "../../support/shared.ts";
import { startTestDatabase, type TestDatabase } from "../../support/database.ts";

export interface TestProject {
  url: string;
  keys: ApiKeys;
  auth: Auth;
  realtime: Realtime;
  database: TestDatabase;
  /** The folder with Storage's files. */
  files: string;
}

const startedOnce = sharedBy(startProject);

/**
 * One project for all tests of a file. It has a table `notes` that users may read, and a SQL function `who_am_i`. The function
 * `echo` requires a JWT, `life` does not.
 */
export function projectForFile(): () => TestProject {
  return forFile((parts) => startProject(parts));
}

/** The same for the files of a group, which run together. Users and buckets of other files are there, too. */
export function sharedProject(): () => TestProject {
  return startedOnce({});
}

async function startProject(parts: AsyncDisposableStack): Promise<TestProject> {
  const database = await startTestDatabase({ migrations: false });
  parts.defer(() => database.stop());
  await database.owner.unsafe(`
    create table public.notes (id int);
    insert into public.notes values (1);
    alter table public.notes enable row level security;
    create policy for_users on public.notes for select to authenticated using (true);
    grant select on public.notes to anon, authenticated, service_role;
    create function public.who_am_i() returns jsonb language sql
      as $$ select jsonb_build_object('role', current_user, 'user', auth.uid()) $$;`);

  const keys = await createKeys();
  const gateway = startGateway({ keys });
  parts.defer(() => gateway.stop());
  const auth = startAuth({ sql: database.owner, keys, issuer: `${gateway.url}/auth/v1` });
  const edge = startEdge({
    functionsDir: `${fixtures}/functions`,
    env: { SUPABASE_URL: gateway.url },
  });
  parts.defer(() => edge.stop());
  const rest = await startPostgrest({
    dbUrl: withRole(database.url, "authenticator"),
    jwks: JSON.stringify(keys.verifyingJwks),
  });
  parts.defer(() => rest.stop());
  const { cluster, name } = database;
  const realtime = await startRealtime({ cluster, database: name, keys });
  parts.defer(() => realtime.stop());
  const files = await Deno.makeTempDir({ prefix: "storage-" });
  parts.defer(() => Deno.remove(files, { recursive: true }));
  const storageSql = cluster.connect("supabase_storage_admin", name);
  parts.defer(() => storageSql.end());
  const storage = startStorage({ sql: storageSql, keys, folder: files });
  gateway.route({
    restUrl: rest.url,
    auth,
    storage,
    edge,
    realtime,
    verifiesJwt: (name) => name === "echo",
  });
  return { url: gateway.url, keys, auth, realtime, database, files };
}

function withRole(dbUrl: string, role: string): string {
  const url = new URL(dbUrl);
  url.username = role;
  return url.href;
}
