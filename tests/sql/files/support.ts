/** Files in Storage's tables, and jobs that refer to them. */
import { z } from "zod";
import type { Machine } from "../../support/machine.ts";

/** Adds a file, or a new version of it, as Storage does. */
export async function put(m: Machine, bucket: string, path: string): Promise<void> {
  await m.db
    .admin`insert into storage.buckets (id, name) values (${bucket}, ${bucket}) on conflict do nothing`;
  await m.db.admin`
    insert into storage.objects (bucket_id, name, version, metadata)
    values (${bucket}, ${path}, ${crypto.randomUUID()}, '{"eTag": "e"}')
    on conflict (bucket_id, name) do update set version = excluded.version`;
}

/** Removes a file, as Storage does. */
export async function remove(m: Machine, bucket: string, path: string): Promise<void> {
  await m.db.admin.begin(async (sql) => {
    await sql`set local storage.allow_delete_query = 'true'`;
    await sql`delete from storage.objects where bucket_id = ${bucket} and name = ${path}`;
  });
}

/** In the bucket `photos`, each user may read the folder with their id. */
export async function ownFolders(m: Machine): Promise<void> {
  await m.db.owner.unsafe(
    `create policy own_photos on storage.objects for select to authenticated
      using (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.uid())::text)`,
  );
}

/** An input that refers to files. */
export const inputWith = (...files: [bucket: string, path: string][]) => [{
  role: "user",
  content: [
    { type: "input_text", text: "What is this?" },
    ...files.map(([bucket, path]) => ({ type: "input_image", storage: { bucket, path } })),
  ],
}];

const files = z.array(z.object({
  bucket: z.string(),
  path: z.string(),
  version: z.string(),
  current: z.boolean(),
}));
export const filesOf = async (m: Machine, id: string) =>
  files.parse(await m.call("get_response_files", { p_job_id: id }));

const paths = z.array(z.string());
export const reserve = async (m: Machine, ...given: string[]) =>
  paths.parse(
    await m.call("reserve_response_files", {
      p_files: given.map((path) => ({ path, bytes: 2_000_000 })),
    }),
  );
export const claimUnused = async (m: Machine) =>
  paths.parse(await m.call("claim_unused_response_files", { p_limit: 100 }));

/** Sends a file and submits a job that refers to it. */
export async function sendFile(m: Machine, owner: string | null, path: string): Promise<string> {
  for (const missing of await reserve(m, path)) await put(m, "response_files", missing);
  const { id } = await m.submit({ owner_id: owner, input: inputWith(["response_files", path]) });
  return id;
}

/** Ends a job and deletes it. */
export async function endAndDelete(m: Machine, id: string): Promise<void> {
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  await m.call("delete_response_job", { p_job_id: id, p_as_service: true });
}
