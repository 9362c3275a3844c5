import { isSameName, type QualifiedName } from '../schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, sql, trusted } from '../sql.ts'

/** A trigger of ours, which sees every row before it is written. */
export interface Installed {
  readonly table: QualifiedName
  readonly trigger: string
  readonly function: string
  readonly body: Sql
  /** `insert`: it does not see what is updated. */
  readonly events?: 'insert'
  /** Of other rows it is not told. */
  readonly when?: Sql
  /** Runs with the rights of the owner and a fixed `search_path`, because a writer may lack what a value needs. */
  readonly asOwner?: true
}

/** What is done with a row, as lines of PL/pgSQL, and how they say that they are through before their end. */
export interface Chore {
  readonly when?: Sql
  readonly lines: (leave: Sql) => Sql
}

/** What an operation has a trigger do with every row that is written. Those of one table can be done by one trigger. */
export interface Duty extends Omit<Installed, 'body' | 'when'> {
  /** When it ends. */
  readonly until: 'offer' | 'retire' | 'purge'
  /** While the old columns are visible, and while they are hidden. */
  readonly visible: Chore
  readonly hidden: Chore
}

/**
 * The trigger that does a duty, alone or with those that it shares a table with, which are done in their order. What needs other
 * rights, or ends at another time, needs a trigger of its own.
 */
export function triggerFor(
  duty: Duty,
  others: readonly Duty[] = [],
): { readonly [K in 'visible' | 'hidden']: Installed } {
  const together = others.filter(
    (one) => isSameName(one.table, duty.table) && one.until === duty.until && one.asOwner === duty.asOwner,
  )
  const duties = together.length > 1 ? together : [duty]
  return { visible: trigger(duties, 'visible'), hidden: trigger(duties, 'hidden') }
}

function trigger(duties: readonly Duty[], shape: 'visible' | 'hidden'): Installed {
  const [{ table, trigger: name, function: called, asOwner }] = duties as readonly [Duty]
  const isInsert = duties.every(({ events }) => events === 'insert')
  const conditions = duties.flatMap((duty) => duty[shape].when ?? [])
  const body =
    duties.length === 1
      ? bodyOf((duties as readonly [Duty])[0][shape])
      : wrapped(
          join(
            duties.map((duty, at) => part(duty, shape, { at, isInsert })),
            '\n',
          ),
        )
  return {
    table: { namespace: table.namespace, name: table.name },
    trigger: name,
    function: called,
    body,
    ...(isInsert ? { events: 'insert' as const } : {}),
    ...(conditions.length < duties.length ? {} : { when: join(conditions, ' or ') }),
    ...(asOwner === undefined ? {} : { asOwner }),
  }
}

/** The whole function of a trigger that has but one thing to do. */
export function bodyOf({ lines }: Chore): Sql {
  return wrapped(lines(sql`return new`))
}

function wrapped(lines: Sql): Sql {
  return sql`
begin
${lines}
  return new;
end`
}

/** One of several: where it is through, the next one begins. */
function part(
  duty: Duty,
  shape: 'visible' | 'hidden',
  { at, isInsert }: { readonly at: number; readonly isInsert: boolean },
): Sql {
  const { when, lines } = duty[shape]
  const label = trusted(`part_${at + 1}`)
  const conditions = [
    ...(duty.events === 'insert' && !isInsert ? [sql`tg_op operator(pg_catalog.=) 'INSERT'`] : []),
    ...(when === undefined ? [] : [when]),
  ]
  const block = sql`  <<${label}>>
  begin
${lines(sql`exit ${label}`)}
  end;`
  return conditions.length === 0
    ? block
    : sql`  if ${join(conditions, ' and ')} then
${block}
  end if;`
}

export function functionSql({ function: name, body, asOwner }: Installed): Sql {
  const rights = asOwner === true ? sql` security definer set search_path = pg_catalog, pg_temp` : sql``
  return sql`create or replace function bellows.${id(name)}() returns trigger language plpgsql${rights} as ${lit(body)}`
}

/** Creates the function and the trigger. ALWAYS, because loaders and replication set `session_replication_role`. */
export function installSql(installed: Installed): readonly Sql[] {
  const table = qualified(installed.table)
  const events = installed.events === 'insert' ? sql`insert` : sql`insert or update`
  // Where it does not hold the function is not called.
  const when = installed.when === undefined ? sql`` : sql` when (${installed.when})`
  return [
    functionSql(installed),
    ...(installed.asOwner === true ? ownersOnlySql(installed) : []),
    sql`create trigger ${id(installed.trigger)} before ${events} on ${table} for each row${when} execute function bellows.${id(installed.function)}()`,
    sql`alter table ${table} enable always trigger ${id(installed.trigger)}`,
  ]
}

/**
 * Whoever may execute it can put it on a table of their own, and what a type of that table does with a value that is given to it
 * would be done with the rights of the owner. To fire where it is, it needs no right. Whoever makes a partition makes its trigger
 * with it: only the owner of the table can, who can change its types anyway.
 */
export function ownersOnlySql(of: Pick<Installed, 'table' | 'function'>): readonly Sql[] {
  return [closedSql(of.function), openedSql(of)]
}

export function closedSql(name: string): Sql {
  return sql`revoke all on function bellows.${id(name)}() from public`
}

function openedSql({ table, function: name }: Pick<Installed, 'table' | 'function'>): Sql {
  const owner = sql`(select c.relowner from pg_catalog.pg_class c where c.oid operator(pg_catalog.=) ${regclass(table)})`
  const body = sql`begin execute pg_catalog.format('grant execute on function bellows.%I() to %I', ${lit(name)}, pg_catalog.pg_get_userbyid(${owner})); end`
  return sql`do ${lit(body)}`
}

export function uninstallSql(installed: Pick<Installed, 'table' | 'trigger' | 'function'>): readonly Sql[] {
  return [
    sql`drop trigger if exists ${id(installed.trigger)} on ${qualified(installed.table)}`,
    sql`drop function if exists bellows.${id(installed.function)}()`,
  ]
}
