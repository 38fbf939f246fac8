-- What check and doctor ask the database about Postgres functions that are tools. They compare profiles.ts with the database,
-- before a model meets the difference. These are only facts: packages/cli/src/sql-tools decides what fits.

create function durable_responses.type_facts(p_type oid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_type pg_catalog.pg_type;
begin
  select * into v_type from pg_catalog.pg_type where oid = p_type;
  if v_type.typtype = 'd' then
    -- JSON must fit a domain's base type. No JSON schema can express its other rules.
    return durable_responses.type_facts(v_type.typbasetype) || jsonb_build_object('name', format_type(p_type, null));
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'name', format_type(p_type, null),
    'base', format_type(p_type, null),
    'category', v_type.typcategory,
    'element', case when v_type.typcategory = 'A' and v_type.typelem <> 0 then durable_responses.type_facts(v_type.typelem) end,
    'labels', (select jsonb_agg(enumlabel order by enumsortorder) from pg_catalog.pg_enum where enumtypid = p_type)));
end;
$$;
comment on function durable_responses.type_facts(oid) is
  'A type: {name, base, category, element?, labels?}. For a domain, everything but the name is that of its base type. category: pg_type.typcategory. labels: those of an enum.';

create function public.describe_sql_tools(p_functions text[]) returns jsonb
language sql stable set search_path = ''
as $$
  select coalesce(jsonb_object_agg(asked.name, coalesce(facts.list, '[]')), '{}')
  from unnest(p_functions) asked (name)
    cross join lateral parse_ident(asked.name) parts
    left join lateral (
      select jsonb_agg(jsonb_build_object(
        'signature', p.oid::regprocedure::text,
        'kind', p.prokind,
        'arguments', (
          select coalesce(jsonb_agg(jsonb_build_object(
            'name', coalesce(names.list[place], ''),
            'optional', place > p.pronargs - p.pronargdefaults,
            'type', durable_responses.type_facts(p.proargtypes[place - 1])) order by place), '[]')
          from generate_series(1, p.pronargs::integer) place),
        'variadic', p.provariadic <> 0,
        'security_definer', p.prosecdef,
        -- The word `execute`, in any language but SQL, where it only runs prepared statements. Comment lines are left out.
        'dynamic_sql', l.lanname <> 'sql' and regexp_replace(p.prosrc, '^\s*--.*$', '', 'gn') ~* '\mexecute\M',
        'sets_role', p.prosrc ~* '\mset\s+(local\s+|session\s+)?(role|session\s+authorization)\M|\mset_config\s*\(\s*''(role|request\.)'
          or exists (select from unnest(p.proconfig) setting where setting like 'role=%'),
        'user_may', has_schema_privilege('authenticated', n.oid, 'usage') and has_function_privilege('authenticated', p.oid, 'execute'),
        'service_may', has_schema_privilege('service_role', n.oid, 'usage') and has_function_privilege('service_role', p.oid, 'execute')
      ) order by p.oid) as list
      from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        join pg_catalog.pg_language l on l.oid = p.prolang
        cross join lateral durable_responses.argument_names(p.proargnames, p.proargmodes, p.pronargs) names (list)
      where n.nspname = parts[1] and p.proname = parts[2]
    ) facts on true;
$$;
comment on function public.describe_sql_tools(text[]) is
  'For `npx durable-responses check` and `doctor`. For each name with its schema (public.my_orders), all functions of that name: arguments with their types, rights of users and of service_role, SECURITY DEFINER, dynamic SQL, whether it sets a role or claims. Empty for a name that no function has.';

revoke execute on function durable_responses.type_facts(oid), public.describe_sql_tools(text[]) from public, anon, authenticated;
grant execute on function durable_responses.type_facts(oid), public.describe_sql_tools(text[]) to service_role;
