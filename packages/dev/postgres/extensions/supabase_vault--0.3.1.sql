-- Stand-in for Supabase Vault 0.3.1: its table, view and functions. The real one encrypts `secret` with a key that the
-- database does not hold; this one only encodes it, so that nothing which reads the wrong column works by accident.
-- Local secrets are made up at every start and open nothing else.

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
comment on table vault.secrets is 'Table with encrypted `secret` column for storing sensitive information on disk.';
create unique index on vault.secrets (name) where name is not null;

create function vault._encode(p_secret text, p_nonce bytea)
returns text
language sql immutable
set search_path = ''
as $$ select encode(p_nonce || convert_to(p_secret, 'utf8'), 'base64') $$;

create function vault._decode(p_secret text, p_nonce bytea)
returns text
language sql immutable
set search_path = ''
as $$ select convert_from(substr(decode(p_secret, 'base64'), length(p_nonce) + 1), 'utf8') $$;

create view vault.decrypted_secrets as
select id, name, description, secret, vault._decode(secret, nonce) as decrypted_secret, key_id, nonce, created_at, updated_at
from vault.secrets;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
)
returns uuid
language plpgsql security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into vault.secrets (secret, name, description)
  values (new_secret, new_name, new_description)
  returning id into v_id;
  update vault.secrets set secret = vault._encode(new_secret, nonce) where id = v_id;
  return v_id;
end
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
)
returns void
language sql security definer
set search_path = ''
as $$
  update vault.secrets
  set secret = coalesce(vault._encode(new_secret, nonce), secret),
    name = coalesce(new_name, name),
    description = coalesce(new_description, description),
    updated_at = now()
  where id = secret_id
$$;

-- What the platform's own script grants after `create extension supabase_vault`.
revoke execute on all functions in schema vault from public;
grant usage on schema vault to postgres with grant option;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant execute on all functions in schema vault to postgres with grant option;
grant usage on schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on all functions in schema vault to service_role;

select pg_catalog.pg_extension_config_dump('vault.secrets', '');
