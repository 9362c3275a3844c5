import type { Facts } from '../schema/facts.ts'
import type { QualifiedName } from '../schema/model.ts'
import { lit, type Sql, shown, sql } from '../sql.ts'
import type { Hazard } from './hazard.ts'

/** A name that is new in one namespace and known in another: a statement without the namespace means the first one of its search_path. */
interface Asked {
  /** Of a role, or of everybody. */
  readonly role: string | null
  readonly path: string
  /** Namespaces that have a relation of the name. */
  readonly others: readonly string[]
  /** Of these and the new one those that are called as a role is. */
  readonly own: readonly string[] | null
}

/** The search_path of each role and of the database, where another namespace has the name. */
export function shadowQuestion({ namespace, name }: QualifiedName): Sql {
  const others = sql`select pg_catalog.array_agg(n.nspname::pg_catalog.text order by n.nspname) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relname = ${lit(name)} and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> ${lit(namespace)} and not pg_catalog.starts_with(n.nspname, 'pg_')`
  const paths = sql`select r.rolname::pg_catalog.text as role, pg_catalog.substr(s.setting, 13) as path from pg_catalog.pg_db_role_setting d cross join lateral pg_catalog.unnest(d.setconfig) s (setting) left join pg_catalog.pg_roles r on r.oid = d.setrole where d.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())) and pg_catalog.starts_with(s.setting, 'search_path=') union select current_user::pg_catalog.text, reset_val from pg_catalog.pg_settings where name = 'search_path'`
  const own = sql`select pg_catalog.array_agg(r.rolname::pg_catalog.text) from pg_catalog.pg_roles r where r.rolname::pg_catalog.text = any (o.others || ${lit(namespace)}::pg_catalog.text)`
  return sql`select p.role, p.path, o.others, (${own}) as own from (${paths}) p cross join (${others}) o (others) where o.others is not null order by 1, 2`
}

export function shadowHazards(made: QualifiedName, { answers }: Facts): readonly Hazard[] {
  const answer = answers[shadowQuestion(made)]
  if (answer === undefined || 'problem' in answer) return []
  return (answer as readonly unknown[] as readonly Asked[]).flatMap((asked) => {
    const found = namespacesIn(asked).filter((one) => one === made.namespace || asked.others.includes(one))
    const [first, second] = [...new Set(found)]
    if (first === undefined || second === undefined || !found.includes(made.namespace)) return []
    const whose = asked.role === null ? 'by default' : `of the role ${shown(asked.role)}`
    const other = first === made.namespace ? second : first
    const what =
      first === made.namespace
        ? `means the new one from this step on, and ${shown(other)}.${shown(made.name)} no longer`
        : `goes on to mean ${shown(first)}.${shown(made.name)}, and not the new one`
    return [
      {
        code: 'may_break',
        because: `A statement that says "${made.name}" without its namespace ${what}: the search_path ${whose} is ${asked.path}.`,
      },
    ]
  })
}

/** As PostgreSQL reads the setting. `$user` is whoever it is, so any role where it is nobody's. */
function namespacesIn({ path, role, own }: Asked): readonly string[] {
  return (path.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? []).flatMap((part) => {
    const name = part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase()
    if (name !== '$user') return [name]
    return role === null ? (own ?? []) : [role]
  })
}
