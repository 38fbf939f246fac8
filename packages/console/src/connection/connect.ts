/** Ways to sign in: as a user with a password, as a user whose session still exists, with a secret key. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { Failure, toFailure, unreachable } from "../data/failure.ts";
import { Project } from "../data/project.ts";
import type { ProjectSettings } from "./settings.ts";

export interface Connection {
  project: Project;
  supabase: SupabaseClient;
  /** Ends the session, or forgets the secret key. */
  leave(): Promise<void>;
}

/** Signs a user in. supabase-js keeps and refreshes the session. */
export async function signIn(
  settings: ProjectSettings,
  email: string,
  password: string,
): Promise<Connection> {
  const supabase = userClient(settings);
  const { data, error } = await supabase.auth.signInWithPassword({ email, password });
  if (error) throw authFailure(error);
  return asUser(settings, supabase, data.user);
}

/** The user whose session this browser still has, if any. */
export async function resume(settings: ProjectSettings): Promise<Connection | undefined> {
  const supabase = userClient(settings);
  const { data, error } = await supabase.auth.getSession();
  // A session that cannot be refreshed is over; the form says nothing about it.
  if (error || !data.session) return undefined;
  return asUser(settings, supabase, data.session.user);
}

/** Sees every job. The key stays only in this page's memory. */
export async function openWithKey(
  settings: ProjectSettings,
  secretKey: string,
): Promise<Connection> {
  const supabase = createClient(settings.url, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const project = new Project(settings.url, supabase, { kind: "secret_key" });
  // Reads what only a secret key may read, so that a wrong one is reported at once.
  await project.overview(AbortSignal.timeout(15_000)).catch(
    (error: unknown) => {
      throw refusedKey(toFailure(error));
    },
  );
  return { project, supabase, leave: () => Promise.resolve() };
}

const clients = new Map<string, SupabaseClient>();

/** One client per project: two would compete to refresh the same session. */
function userClient({ url, publishableKey }: ProjectSettings): SupabaseClient {
  const name = `${url} ${publishableKey}`;
  const known = clients.get(name);
  if (known) return known;
  const client = createClient(url, publishableKey, {
    auth: { storageKey: `durable-responses-session:${url}`, detectSessionInUrl: false },
  });
  clients.set(name, client);
  return client;
}

function asUser(
  { url }: ProjectSettings,
  supabase: SupabaseClient,
  user: { id: string; email?: string | undefined; app_metadata: Record<string, unknown> },
): Connection {
  const identity = {
    kind: "user",
    id: user.id,
    email: user.email ?? user.id,
    isOperator: user.app_metadata["durable_responses"] === "operator",
  } as const;
  return {
    project: new Project(url, supabase, identity),
    supabase,
    async leave() {
      await supabase.auth.signOut({ scope: "local" });
    },
  };
}

function authFailure(
  error: { message: string; code?: string | undefined; status?: number | undefined },
) {
  if (!error.status) return unreachable(error);
  return new Failure(error.code ?? `http_${error.status}`, error.message, {
    status: error.status,
    hint: error.code === "invalid_credentials"
      ? "Check the email address and the password. The account must belong to this project"
      : undefined,
  });
}

function refusedKey(failure: Failure): Failure {
  if (failure.status !== 401 && failure.status !== 403) return failure;
  return new Failure("key_refused", `Cannot open the project with this key: ${failure.message}`, {
    status: failure.status,
    hint:
      "It must be a secret key of this project. Hosted projects refuse secret keys from a browser: sign in as an operator, or open it with npx durable-responses console, which relays the calls",
    cause: failure,
  });
}
