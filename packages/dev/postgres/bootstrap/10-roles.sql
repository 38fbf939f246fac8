-- The platform's roles. `supabase_admin` is the cluster's superuser (initdb makes it); `postgres`, which runs migrations,
-- is not one. Login roles have the password 'postgres', which opens only a server on 127.0.0.1 that holds test data;
-- supabase_admin, who could read files and run programs, gets a random one at each start.
--
-- On the platform, authenticator and postgres also preload safeupdate (an UPDATE or DELETE through the REST API needs a
-- WHERE). That is a C library which the npm build of Postgres does not hold, so a statement without WHERE passes here.

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;

create role authenticator noinherit login noreplication password 'postgres';
grant anon, authenticated, service_role to authenticator;

create role postgres nosuperuser createdb createrole login replication bypassrls password 'postgres';
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend, pg_create_subscription to postgres with admin option;

create role dashboard_user nosuperuser createdb createrole replication;
create role supabase_auth_admin noinherit createrole login noreplication password 'postgres';
create role supabase_realtime_admin noinherit createrole login replication password 'postgres';
create role supabase_storage_admin noinherit createrole login noreplication password 'postgres';
-- Storage acts as whoever asks, which may be any role that authenticator may become.
grant authenticator to supabase_storage_admin;
create role supabase_replication_admin login replication password 'postgres';
create role supabase_read_only_user login bypassrls password 'postgres';
create role supabase_functions_admin noinherit createrole login noreplication password 'postgres';
grant pg_read_all_data to supabase_read_only_user;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role supabase_realtime_admin set search_path = public, extensions, realtime;
-- What the Storage server sets on each of its connections.
alter role supabase_storage_admin set search_path = storage, public, extensions;

alter database postgres owner to postgres;
