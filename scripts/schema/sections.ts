/** The parts of the dump. Each query returns lines in the order in which they are written. */

export interface Section {
  title: string;
  /** One column, `line`. */
  query: string;
}

const schemas = "('public'::regnamespace, 'durable_responses'::regnamespace)";

// Without the objects of extensions, which the migrations do not define.
const ours = (catalog: string, alias: string) =>
  `not exists (select from pg_depend e where e.classid = '${catalog}'::regclass
    and e.objid = ${alias}.oid and e.deptype = 'e')`;

const grantee = `case g.grantee when 0 then 'public' else g.grantee::regrole::text end`;

export const sections: Section[] = [
  {
    title: "Types",
    query: `
      select format('create type %s as enum (%s);', t.oid::regtype,
        (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid)) as line
      from pg_type t where typnamespace in ${schemas} and typtype = 'e' order by t.oid::regtype::text`,
  },
  {
    title: "Tables",
    query: `
      select format(E'create table %s (\\n%s\\n);%s', c.oid::regclass,
        (select string_agg(line, E',\\n' order by place, line) from (
          select attnum as place, concat_ws(' ', '  ' || quote_ident(attname), format_type(atttypid, atttypmod),
            case when attnotnull then 'not null' end,
            case when attidentity <> '' then 'generated as identity' end,
            case when attgenerated <> '' then 'generated always as (' || pg_get_expr(adbin, adrelid) || ') stored'
              else 'default ' || pg_get_expr(adbin, adrelid) end) as line
          from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
          where attrelid = c.oid and attnum > 0 and not attisdropped
          union all
          select 10000, format('  constraint %I %s', conname, pg_get_constraintdef(oid))
          from pg_constraint where conrelid = c.oid and contype in ('p', 'u', 'f', 'c', 'x')
        ) lines),
        case when relrowsecurity then format(E'\\nalter table %s enable row level security;', c.oid::regclass) end) as line
      from pg_class c where relnamespace in ${schemas} and relkind in ('r', 'p') and ${
      ours("pg_class", "c")
    }
      order by c.oid::regclass::text`,
  },
  {
    title: "Indexes (those of constraints are with their tables)",
    query: `
      select pg_get_indexdef(i.indexrelid) || ';' as line
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace in ${schemas}
        and not exists (select from pg_constraint where conindid = i.indexrelid)
      order by c.relname`,
  },
  {
    title: "Views",
    query: `
      select format(E'create view %s%s as\\n%s', c.oid::regclass,
        ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid, true)) as line
      from pg_class c where relnamespace in ${schemas} and relkind = 'v' order by c.oid::regclass::text`,
  },
  {
    title: "Functions",
    query: `
      select rtrim(pg_get_functiondef(p.oid), E'\\n') || E';\\n' as line
      from pg_proc p where pronamespace in ${schemas} and prokind in ('f', 'p') and ${
      ours("pg_proc", "p")
    }
      order by p.oid::regprocedure::text`,
  },
  {
    title: "Triggers",
    query: `
      select pg_get_triggerdef(t.oid, true) || ';' as line
      from pg_trigger t join pg_class c on c.oid = tgrelid
      where relnamespace in ${schemas} and not tgisinternal order by relname, tgname`,
  },
  {
    title: "Policies",
    query: `
      select format('create policy %I on %I.%I as %s for %s to %s%s%s;', policyname, schemaname, tablename,
        lower(permissive), lower(cmd), array_to_string(roles, ', '),
        ' using (' || qual || ')', ' with check (' || with_check || ')') as line
      from pg_policies where schemaname in ('public', 'durable_responses', 'realtime', 'storage')
      order by schemaname, tablename, policyname`,
  },
  {
    title: "Grants (the owner, postgres, may do everything)",
    query: `
      select line from (
        select 1 as part, format('grant %s on schema %I to %s;',
          string_agg(lower(privilege_type), ', ' order by privilege_type), nspname, ${grantee}) as line
        from pg_namespace n, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) g
        where n.oid in ('durable_responses'::regnamespace) and g.grantee <> nspowner group by nspname, g.grantee
        union all
        select 2, format('grant %s on %s to %s;',
          string_agg(lower(privilege_type), ', ' order by privilege_type), c.oid::regclass, ${grantee})
        from pg_class c, aclexplode(coalesce(relacl, acldefault('r', relowner))) g
        where relnamespace in ${schemas} and relkind in ('r', 'p', 'v') and g.grantee <> relowner and ${
      ours("pg_class", "c")
    }
        group by c.oid, g.grantee
        union all
        select 3, format('grant %s (%s) on %s to %s;', lower(g.privilege_type),
          string_agg(quote_ident(attname), ', ' order by attnum), c.oid::regclass, ${grantee})
        from pg_class c join pg_attribute a on attrelid = c.oid, aclexplode(attacl) g
        where relnamespace in ${schemas} and g.grantee <> relowner group by c.oid, g.grantee, g.privilege_type
        union all
        select 4, format('grant execute on function %s to %s;', p.oid::regprocedure, ${grantee})
        from pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) g
        where pronamespace in ${schemas} and g.grantee <> proowner and ${ours("pg_proc", "p")}
      ) grants order by part, line`,
  },
  {
    title: "Comments",
    query: `
      select format('comment on %s %s is %L;', i.type, i.identity, d.description) as line
      from pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
      where (i.schema in ('public', 'durable_responses') or i.type = 'schema' and i.name = 'durable_responses')
        and not exists (select from pg_depend e where e.classid = d.classoid and e.objid = d.objoid and e.deptype = 'e')
      order by i.type, i.identity`,
  },
  {
    title: "Cron jobs",
    query: `
      select format('select cron.schedule(%L, %L, %L);', jobname, schedule, command) as line
      from cron.job order by jobname`,
  },
];
