/**
 * A cheap database for each test. The first one starts a cluster from the cached template, which has the migrations (0.3 s).
 * Each database is a copy, made by `create database … template` (20 ms). The last one to stop ends the cluster.
 */
import postgres, { type Sql, type TransactionSql } from "postgres";
import { type Cluster, startCluster } from "../../packages/dev/postgres/cluster.ts";
import { migratedTemplate } from "../../packages/dev/postgres/migrate.ts";
import { platformTemplate } from "../../packages/dev/postgres/template.ts";

export type Role = "anon" | "authenticated" | "service_role" | "postgres";

export interface TestDatabaseOptions {
  /** The folder that contains `supabase/`. Default: the project root. */
  workdir?: string;
  /** false: only the platform's roles and schemas. */
  migrations?: boolean;
}

export interface TestDatabase {
  readonly name: string;
  readonly cluster: Cluster;
  /** As `postgres`, over TCP. */
  readonly url: string;
  /** As the superuser, over TCP. */
  readonly adminUrl: string;
  /** As the superuser. */
  readonly admin: Sql;
  /** As `postgres`, which owns what the migrations create. */
  readonly owner: Sql;
  /**
   * Runs in one transaction as `role`, as PostgREST does: with the role's statement timeout, and with `claims` and the role as
   * the JWT's claims.
   */
  asRole<T>(
    role: Role,
    run: (sql: TransactionSql) => Promise<T>,
    claims?: Record<string, postgres.JSONValue>,
  ): Promise<T>;
  /** The same as a signed-in user. */
  asUser<T>(userId: string, run: (sql: TransactionSql) => Promise<T>): Promise<T>;
  /** Adds a user to auth.users and returns the id. */
  createUser(email?: string): Promise<string>;
  stop(): Promise<void>;
}

interface Shared {
  started: Promise<{ cluster: Cluster; maker: Sql }>;
  users: number;
  databases: number;
}

const shared = new Map<string, Shared>();

/** Creates a database on a shared cluster, which it starts if needed. */
export async function startTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const key = `${options.workdir ?? ""} ${options.migrations ?? true}`;
  const entry = shared.get(key) ?? { started: startShared(options), users: 0, databases: 0 };
  shared.set(key, entry);
  entry.users++;
  const { cluster, maker } = await entry.started;
  const name = `test_${++entry.databases}`;
  const release = async () => {
    if (--entry.users > 0) {
      // Each takes 11 MB, of memory where the cluster is in memory.
      await maker.unsafe(`drop database if exists ${name} with (force)`);
      return;
    }
    shared.delete(key);
    await maker.end({ timeout: 1 });
    await cluster.destroy();
  };
  // Copying files takes half the CPU of the default, which writes every page to the log.
  const copy = `create database ${name} template postgres owner postgres strategy file_copy`;
  const database = describeDatabase(cluster, name, release);
  try {
    await maker.unsafe(copy);
    await moveCron(database.admin);
    return database;
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** Runs `run` with its own database, and stops that whatever happens. */
export async function withDatabase<T>(
  run: (database: TestDatabase) => Promise<T>,
  options?: TestDatabaseOptions,
): Promise<T> {
  const database = await startTestDatabase(options);
  try {
    return await run(database);
  } finally {
    await database.stop();
  }
}

async function startShared(options: TestDatabaseOptions) {
  const template = options.migrations === false
    ? await platformTemplate()
    : await migratedTemplate(options.workdir);
  const cluster = await startCluster({ template, durable: false });
  return { cluster, maker: cluster.connect("supabase_admin", "template1", { max: 1 }) };
}

/** Cron jobs name the database that they were scheduled in. */
async function moveCron(admin: Sql): Promise<void> {
  await admin`
    do $$ begin
      if to_regclass('cron.job') is not null then
        update cron.job set database = current_database();
      end if;
    end $$
  `;
}

function describeDatabase(
  cluster: Cluster,
  name: string,
  release: () => Promise<void>,
): TestDatabase {
  const admin = cluster.connect("supabase_admin", name);
  const owner = cluster.connect("postgres", name);
  const asRole: TestDatabase["asRole"] = async (role, run, claims = {}) => {
    const outcome = await admin.begin(async (sql) => {
      await sql`select set_config('request.jwt.claims', ${
        JSON.stringify({ ...claims, role })
      }, true)`;
      await sql`
        select set_config('statement_timeout', split_part(setting, '=', 2), true)
        from pg_roles, unnest(rolconfig) as setting
        where rolname = ${role} and setting like 'statement_timeout=%'
      `;
      await sql.unsafe(`set local role ${role}`);
      return { value: await run(sql) };
    });
    return outcome.value;
  };
  return {
    name,
    cluster,
    admin,
    owner,
    asRole,
    url: cluster.url("postgres", name),
    adminUrl: cluster.url("supabase_admin", name),
    asUser: (userId, run) => asRole("authenticated", run, { sub: userId }),
    async createUser(email = `${crypto.randomUUID()}@example.com`) {
      const id = crypto.randomUUID();
      await admin`
        insert into auth.users (id, aud, role, email, created_at, updated_at)
        values (${id}, 'authenticated', 'authenticated', ${email}, now(), now())
      `;
      return id;
    },
    async stop() {
      await Promise.all([admin.end({ timeout: 1 }), owner.end({ timeout: 1 })]);
      await release();
    },
  };
}
