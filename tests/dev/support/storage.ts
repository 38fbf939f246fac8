/** The unchanged supabase-js for Storage: as a user, as nobody, with the secret key. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import type { TestProject } from "./project.ts";

/** With the publishable key and, if given, a user's token; or with another key. */
export function clientOf(
  project: TestProject,
  { token, key }: { token?: string; key?: string } = {},
) {
  return createClient(project.url, key ?? project.keys.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    ...(token !== undefined && { accessToken: () => Promise.resolve(token) }),
  });
}

/** With the secret key, which bypasses row level security. */
export function serviceOf(project: TestProject): SupabaseClient {
  return clientOf(project, { key: project.keys.secretKey });
}

/** A new user's client. */
export async function newUser(project: TestProject) {
  const { id, token } = await project.auth.createUser();
  return { id, client: clientOf(project, { token }) };
}

let buckets = 0;

/** A new private bucket. */
export async function newBucket(
  project: TestProject,
  options: { fileSizeLimit?: number | string; allowedMimeTypes?: string[]; public?: boolean } = {},
): Promise<string> {
  const id = `bucket-${++buckets}`;
  const made = await serviceOf(project).storage.createBucket(id, { public: false, ...options });
  assert.deepEqual(made, { data: { name: id }, error: null });
  return id;
}

/** A new private bucket. Each user may do these in the folder with their id. */
export async function newUserBucket(
  project: TestProject,
  commands: readonly string[] = ["select", "insert", "update", "delete"],
): Promise<string> {
  const id = await newBucket(project);
  const own = `bucket_id = '${id}' and (storage.foldername(name))[1] = (select auth.uid())::text`;
  for (const command of commands) {
    const check = command === "insert" ? `with check (${own})` : `using (${own})`;
    await project.database.owner.unsafe(
      `create policy "${id} ${command}" on storage.objects for ${command} to authenticated ${check}`,
    );
  }
  return id;
}

/** The code of a refusal. Fails if there is none. */
export function codeOf({ error }: { error: unknown }): unknown {
  assert.ok(error instanceof Error && "code" in error, `not refused: ${error}`);
  return error.code;
}
