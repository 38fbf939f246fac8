-- What `postgres` may not change in the schemas of Realtime and Storage, although it belongs to their owners: all but
-- policies, and triggers on Storage's tables.

create function extensions.guard_platform_schemas()
returns event_trigger
language plpgsql
set search_path = ''
as $$
declare
  v_identity text;
begin
  if current_user <> 'postgres' then
    return;
  end if;
  if tg_event = 'sql_drop' then
    select object_identity into v_identity
    from pg_event_trigger_dropped_objects()
    where schema_name in ('realtime', 'storage') and original and object_type <> 'policy'
      and not (schema_name = 'storage' and object_type = 'trigger');
  else
    select object_identity into v_identity
    from pg_event_trigger_ddl_commands()
    where schema_name in ('realtime', 'storage');
  end if;
  if v_identity is not null then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format('must be owner of table %s', split_part(v_identity, '.', 2));
  end if;
end
$$;
create event trigger guard_platform_changes on ddl_command_end
  when tag in ('ALTER TABLE', 'CREATE TABLE', 'CREATE INDEX', 'CREATE FUNCTION', 'ALTER FUNCTION')
  execute function extensions.guard_platform_schemas();
create event trigger guard_platform_drops on sql_drop
  execute function extensions.guard_platform_schemas();
