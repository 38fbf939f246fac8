-- Files that a request refers to: photos and documents, in Supabase Storage.
--
-- A part of a message refers to a file as {"type": "input_image" | "input_file", "storage": {"bucket", "path"}}, and so does a
-- screenshot in the caller's answer to a computer_call. Two kinds:
--   * sent files: what a caller sent as data and what is too large for a row. The function that accepts the job uploads it to
--     the private bucket response_files, as <owner>/<SHA-256 of the content>: the same photo sent twice is one file.
--   * the caller's own files, in any bucket. They stay the caller's, and are never changed or deleted here.
-- Accepting a job checks each file as its owner, by the row security of storage.objects, and pins its version: a row of
-- job_files. Each request to OpenAI needs that version; another one, or none, fails the job.
--
-- A sent file belongs to nobody but the jobs that refer to it. Its row in sent_files is written before its content (reserved),
-- so that no content is ever without a row, and deleted after it. When its last job is deleted, or a reservation ends unused, it is
-- due, and a worker removes it through Storage: deleting a row of storage.objects would leave the bytes. Once its removal has
-- begun it is not used again; whoever reserves the same one waits until it is gone.

create table durable_responses.sent_files (
  path text primary key,
  reserved_until timestamptz not null,
  due timestamptz,
  is_removing boolean not null default false,
  removals integer not null default 0,
  constraint sent_files_path_length check (char_length(path) between 1 and 200)
);
create index sent_files_due on durable_responses.sent_files (due) where due is not null;
comment on index durable_responses.sent_files_due is 'The next ones to remove.';
comment on table durable_responses.sent_files is
  'Contents of the bucket response_files: what callers sent as data and what is too large for a row. A row is there before its content, and until it is removed.';
comment on column durable_responses.sent_files.path is 'Where it is in the bucket: <owner, or server>/<SHA-256>.<extension>.';
comment on column durable_responses.sent_files.reserved_until is 'Until then a submit that is under way may refer to it.';
comment on column durable_responses.sent_files.due is 'When a worker looks whether it is still needed, and removes it if not. null while a job refers to it.';
comment on column durable_responses.sent_files.is_removing is 'Whether a worker has begun to remove it: then no job refers to it, and none will.';
comment on column durable_responses.sent_files.removals is 'How often its removal was begun.';

create table durable_responses.job_files (
  job_id uuid not null references durable_responses.jobs (id) on delete cascade,
  bucket text not null,
  path text not null,
  version text not null,
  primary key (job_id, bucket, path)
);
create index job_files_path on durable_responses.job_files (path, bucket);
comment on index durable_responses.job_files_path is 'Whether a job refers to a file.';
comment on table durable_responses.job_files is 'The files in Storage that a job''s input and its callers'' answers refer to, each with the version that was checked.';
comment on column durable_responses.job_files.job_id is 'The job.';
comment on column durable_responses.job_files.bucket is 'The bucket.';
comment on column durable_responses.job_files.path is 'The path in the bucket.';
comment on column durable_responses.job_files.version is 'Storage''s version and ETag of the content when the job, or the answer, was accepted.';

alter table durable_responses.sent_files enable row level security;
alter table durable_responses.job_files enable row level security;
revoke all on durable_responses.sent_files, durable_responses.job_files from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.sent_files to service_role;
grant select, insert, delete on durable_responses.job_files to service_role;

create function durable_responses.file_references(p_input jsonb) returns table (bucket text, path text)
language sql immutable set search_path = ''
as $$
  select distinct given ->> 'bucket', given ->> 'path'
  from (
    select jsonb_path_query(p_input, '$[*].content[*]
      ? ((@.type == "input_image" || @.type == "input_file") && exists (@.storage)).storage')
    union all
    select jsonb_path_query(p_input, '$[*].output[*]
      ? ((@.type == "input_image" || @.type == "input_file" || @.type == "computer_screenshot") && exists (@.storage)).storage')
  ) found (given)
  order by 2, 1;
$$;
comment on function durable_responses.file_references(jsonb) is
  'The files in Storage that the messages, outputs of calls and screenshots of an input refer to, by path. A null is a reference that names none.';

create function durable_responses.refuse_file(p_bucket text, p_path text) returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception using errcode = 'DR424', detail = jsonb_build_object('bucket', p_bucket, 'path', p_path)::text,
    message = format('Cannot use the file ''%s/%s'': there is no such file, or it is not the owner''s to read',
      left(p_bucket, 100), left(p_path, 200)),
    hint = 'Check bucket and path, and that a select policy on storage.objects lets the owner read the file. Who continues somebody else''s conversation must be able to read its files. Nothing was accepted.';
end;
$$;
comment on function durable_responses.refuse_file(text, text) is
  'Refuses (DR424) a file that is not there, or not to be seen: the same answer for both. The detail names it as {bucket, path}.';

create function durable_responses.version_of(p_version text, p_metadata jsonb) returns text
language sql immutable set search_path = ''
as $$
  select concat_ws(' ', p_version, p_metadata ->> 'eTag');
$$;
comment on function durable_responses.version_of(text, jsonb) is
  'What tells one content of a file from another: Storage''s version, new with each upload, and the ETag.';

create function durable_responses.visible_files(p_buckets text[], p_paths text[], p_claims jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_role constant text := current_setting('role');
  v_given constant text := coalesce(current_setting('request.jwt.claims', true), '');
  v_headers constant text := coalesce(current_setting('request.headers', true), '');
  v_path constant text := current_setting('search_path');
  v_files jsonb;
begin
  if to_regclass('storage.objects') is null then
    return '[]'::jsonb;
  end if;
  if p_claims is not null then
    -- As for the owner's own requests. The headers of this one may contain the secret key.
    perform set_config('search_path', 'public, extensions', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', p_claims::text, true);
    perform set_config('role', 'authenticated', true);
  end if;
  select jsonb_agg(jsonb_build_object('bucket', o.bucket_id, 'path', o.name, 'version', o.version, 'metadata', o.metadata))
  into v_files
  from unnest(p_buckets, p_paths) wanted (bucket, path) join storage.objects o on o.bucket_id = wanted.bucket and o.name = wanted.path;
  if p_claims is not null then
    perform set_config('role', v_role, true);
    perform set_config('search_path', v_path, true), set_config('request.headers', v_headers, true),
      set_config('request.jwt.claims', v_given, true);
  end if;
  return coalesce(v_files, '[]');
end;
$$;
comment on function durable_responses.visible_files(text[], text[], jsonb) is
  'Those of the files that are there and that whoever has these claims may read, by the row security of storage.objects; without claims, that the current role may. Returns [{bucket, path, version, metadata}].';

create function durable_responses.pin_files(p_job_id uuid, p_owner_id uuid, p_input jsonb, p_claims jsonb default null) returns void
language plpgsql set search_path = ''
as $$
declare
  v_max constant integer := 500;
  v_own constant text := 'response_files';
  v_buckets text[];
  v_paths text[];
  v_sent text[];
  v_given jsonb;
  v_found jsonb;
  v_missing record;
begin
  select array_agg(bucket), array_agg(path) into v_buckets, v_paths from durable_responses.file_references(p_input);
  if v_paths is null then
    return;
  end if;
  if array_position(v_buckets, null) is not null or array_position(v_paths, null) is not null or cardinality(v_paths) > v_max then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the references to files: each must have a bucket and a path, and there may be at most %s; there are %s',
        v_max, cardinality(v_paths)),
      hint = 'A part that refers to a file is {"type": "input_image", "storage": {"bucket": "photos", "path": "receipt.png"}}.';
  end if;
  if p_claims is not null and lower(p_claims ->> 'sub') is distinct from p_owner_id::text then
    raise exception using errcode = 'DR400',
      message = 'Cannot submit a job: claims must be those of its owner', hint = 'Leave them out: owner_claims() has them.';
  end if;
  -- What was sent is its owner's by its path: no policy lets a user into that bucket. So is what somebody else, who may act on a
  -- job of theirs, has shown in it. And who continues somebody else's job, because they may see it, takes over what was sent in it:
  -- it is part of the input, like a photo that is small enough for the row. Files in other buckets stay with who may read them.
  select array_agg(f.path order by f.path) into v_sent from unnest(v_buckets, v_paths) f (bucket, path)
  where f.bucket = v_own and (p_owner_id is null or split_part(f.path, '/', 1) = p_owner_id::text or exists (
    select from durable_responses.job_files shown join durable_responses.jobs j on j.id = shown.job_id
    where shown.bucket = v_own and shown.path = f.path and (j.owner_id = p_owner_id
      or j.id = (select continued_from from durable_responses.jobs where id = p_job_id))));
  perform from durable_responses.sent_files where path = any (v_sent) order by path for update;
  select array_agg(path) into v_sent from durable_responses.sent_files where path = any (v_sent) and not is_removing;
  v_found := durable_responses.visible_files(array(select v_own from unnest(v_sent)), v_sent, null);
  if exists (select from unnest(v_buckets) bucket where bucket <> v_own) then
    v_given := durable_responses.visible_files(
      array_replace(v_buckets, v_own, null), v_paths,
      case when p_owner_id is not null then coalesce(p_claims, durable_responses.owner_claims(p_owner_id)) end);
  end if;
  insert into durable_responses.job_files (job_id, bucket, path, version)
  select p_job_id, f ->> 'bucket', f ->> 'path', durable_responses.version_of(f ->> 'version', f -> 'metadata')
  from jsonb_array_elements(v_found || coalesce(v_given, '[]')) f
  -- Two answers may show the same screen.
  on conflict (job_id, bucket, path) do nothing;
  select w.bucket, w.path into v_missing from unnest(v_buckets, v_paths) w (bucket, path)
  where not exists (select from durable_responses.job_files f where f.job_id = p_job_id and f.bucket = w.bucket and f.path = w.path)
  limit 1;
  if found then
    perform durable_responses.refuse_file(v_missing.bucket, v_missing.path);
  end if;
  update durable_responses.sent_files set due = null, reserved_until = durable_responses.clock() where path = any (v_sent);
end;
$$;
comment on function durable_responses.pin_files(uuid, uuid, jsonb, jsonb) is
  'Checks the files that a new job''s input, or an answer to a call, refers to, as its owner (p_claims: those of their token, or else owner_claims(); without an owner: as the current role), and writes down their versions. Refuses: DR424 a file that is not there or not theirs to read, DR400 a reference that names none.';

create function durable_responses.sent_files_of(p_job_ids uuid[]) returns text[]
language sql stable set search_path = ''
as $$
  select array_agg(distinct path) from durable_responses.job_files where job_id = any (p_job_ids) and bucket = 'response_files';
$$;
comment on function durable_responses.sent_files_of(uuid[]) is 'The sent files that jobs refer to; null if there are none.';

create function durable_responses.release_files(p_paths text[]) returns void
language plpgsql set search_path = ''
as $$
begin
  -- Whoever looks, under the row's lock, finds out whether another job refers to it.
  update durable_responses.sent_files set due = greatest(durable_responses.clock(), reserved_until)
  where not is_removing and path in (
    select path from durable_responses.sent_files where path = any (p_paths) order by path for update);
end;
$$;
comment on function durable_responses.release_files(text[]) is
  'Jobs that referred to these sent files are deleted: a worker looks whether the files are still needed. Called last, since nothing is locked after sent files.';

create function durable_responses.release_lost_files(p_limit integer) returns void
language plpgsql set search_path = ''
as $$
begin
  perform durable_responses.release_files((
    select array_agg(path) from (
      select path from durable_responses.sent_files s
      where due is null and not exists (
        select from durable_responses.job_files f where f.path = s.path and f.bucket = 'response_files')
      limit p_limit) lost));
end;
$$;
comment on function durable_responses.release_lost_files(integer) is
  'The same for sent files whose jobs were deleted by hand, past the functions that delete jobs.';

create function public.reserve_response_files(p_files jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_until constant timestamptz := v_now + interval '15 minutes';
  v_limit constant integer := (select max_file_bytes from public.response_settings);
  v_large bigint := (select max((f ->> 'bytes')::bigint) from jsonb_array_elements(p_files) f);
  v_has_bucket boolean := to_regclass('storage.buckets') is not null;
  v_reserved integer;
begin
  if v_large > v_limit then
    raise exception using errcode = 'DR413',
      message = format('Cannot accept a file of %s bytes: one may have at most %s', v_large, v_limit),
      hint = 'Send a smaller one, or upload it to Storage and refer to it. The limit is response_settings.max_file_bytes.';
  end if;
  if v_has_bucket then
    -- A condition of its own: without Storage, its table cannot be named.
    v_has_bucket := exists (select from storage.buckets where id = 'response_files');
  end if;
  if not v_has_bucket then
    raise exception using errcode = 'DR413',
      message = format('Cannot accept a file of %s bytes: it is too large for a row, and there is no bucket response_files to put it into', v_large),
      hint = 'Send less than 1 MB. Or set up Supabase Storage, and create the private bucket response_files in it.';
  end if;
  insert into durable_responses.sent_files (path, reserved_until, due)
  select distinct f ->> 'path', v_until, v_until from jsonb_array_elements(p_files) f order by 1
  on conflict (path) do update set reserved_until = v_until, due = case when sent_files.due is not null then v_until end
  where not sent_files.is_removing;
  get diagnostics v_reserved = row_count;
  if v_reserved < (select count(distinct f ->> 'path') from jsonb_array_elements(p_files) f) then
    raise exception using errcode = '40001', message = 'Cannot reserve a file just now: the same one is being removed',
      hint = 'Send the request again.';
  end if;
  return (
    select coalesce(jsonb_agg(path order by path), '[]') from (select distinct f ->> 'path' as path from jsonb_array_elements(p_files) f) given
    where not exists (select from storage.objects o where o.bucket_id = 'response_files' and o.name = given.path));
end;
$$;
comment on function public.reserve_response_files(jsonb) is
  'Before files are uploaded to the bucket response_files: [{path, bytes}]. Returns the paths whose content is not there yet. A file that no job refers to 15 minutes later is removed. Refuses: DR413 larger than response_settings.max_file_bytes, or no Storage; 40001 one that is being removed.';

create function public.get_response_files(p_job_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_known constant jsonb := (
    select jsonb_agg(jsonb_build_object('bucket', bucket, 'path', path, 'version', version))
    from durable_responses.job_files where job_id = p_job_id);
begin
  if v_known is null then
    return '[]'::jsonb;
  end if;
  return (
    select jsonb_agg(f || jsonb_build_object('current',
      coalesce(durable_responses.version_of(o.version, o.metadata) = f ->> 'version', false)))
    from jsonb_array_elements(v_known) f
      left join storage.objects o on o.bucket_id = f ->> 'bucket' and o.name = f ->> 'path');
end;
$$;
comment on function public.get_response_files(uuid) is
  'The files that a job refers to: [{bucket, path, version, current}]. current: whether that version is still there.';

create function public.claim_unused_response_files(p_limit integer default 100) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_paths text[];
begin
  select array_agg(path) into v_paths from (
    select path from durable_responses.sent_files where due <= v_now order by due limit p_limit for update skip locked) locked;
  if v_paths is null then
    return '[]'::jsonb;
  end if;
  -- In statements of their own: under the locks, they see each job that refers to one of the files.
  update durable_responses.sent_files s set due = null
  where s.path = any (v_paths) and not s.is_removing
    and exists (select from durable_responses.job_files f where f.path = s.path and f.bucket = 'response_files');
  update durable_responses.sent_files s set is_removing = true, removals = removals + 1,
    due = v_now + least(interval '1 minute' * power(2, least(s.removals, 10)), interval '1 hour')
  where s.path = any (v_paths) and s.due is not null;
  return (select coalesce(jsonb_agg(path order by path), '[]') from durable_responses.sent_files
    where path = any (v_paths) and is_removing);
end;
$$;
comment on function public.claim_unused_response_files(integer) is
  'Sent files that no job refers to, for a worker to remove from the bucket response_files. Returns their paths. Until forget_response_files() they are due again, after 1 minute, 2, 4, … at most an hour.';

create function public.forget_response_files(p_paths text[]) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_forgotten integer;
begin
  delete from durable_responses.sent_files where path in (
    select path from durable_responses.sent_files where path = any (p_paths) and is_removing order by path for update);
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;
comment on function public.forget_response_files(text[]) is 'The worker has removed these sent files from Storage. Returns how many were known.';

revoke execute on function durable_responses.file_references(jsonb), durable_responses.refuse_file(text, text),
  durable_responses.version_of(text, jsonb), durable_responses.visible_files(text[], text[], jsonb),
  durable_responses.pin_files(uuid, uuid, jsonb, jsonb), durable_responses.sent_files_of(uuid[]),
  durable_responses.release_files(text[]), durable_responses.release_lost_files(integer), public.reserve_response_files(jsonb), public.get_response_files(uuid),
  public.claim_unused_response_files(integer), public.forget_response_files(text[]) from public, anon, authenticated;
grant execute on function durable_responses.file_references(jsonb), durable_responses.refuse_file(text, text),
  durable_responses.version_of(text, jsonb), durable_responses.visible_files(text[], text[], jsonb),
  durable_responses.pin_files(uuid, uuid, jsonb, jsonb), durable_responses.sent_files_of(uuid[]),
  durable_responses.release_files(text[]), durable_responses.release_lost_files(integer), public.reserve_response_files(jsonb), public.get_response_files(uuid),
  public.claim_unused_response_files(integer), public.forget_response_files(text[]) to service_role;

-- Private, and without a policy: only secret keys read it.
do $$
begin
  if to_regclass('storage.buckets') is null then
    raise notice 'There is no Supabase Storage here: images and files over 1 MB are refused';
    return;
  end if;
  insert into storage.buckets (id, name, public) values ('response_files', 'response_files', false)
  on conflict (id) do update set public = false;
end;
$$;
