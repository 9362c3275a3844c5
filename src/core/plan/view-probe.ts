import { type DatabaseObject, shownObject } from '../objects/database-object.ts'
import { definitionSql, isDefinedAs } from '../objects/object-catalog.ts'
import type { QualifiedName } from '../schema/model.ts'
import { id, lit, regclass, type Sql, sql, trusted } from '../sql.ts'
import { counterSql, dropCounterSql, isOnTrial, nextNumber, settingsOf, tellSql, WHO } from './counter.ts'
import type { Requirement } from './step.ts'

/** A view on its way out that asks, whenever it is used, a function of ours, which counts and says yes. See decision 0058. */
export interface ViewProbe {
  readonly view: DatabaseObject
  /** Name of everything that counts: the function, the table of who, and the settings by which a session knows what it has told. */
  readonly counter: string
  /** What makes the view as it was found. */
  readonly original: string
  /** What makes it with the probe. */
  readonly probed: Sql
  /** Can a sequence be kept out of the log? Since PostgreSQL 15. */
  readonly keepsOut: boolean
}

/** As the condition of the view says it. */
export function callSql(counter: string): Sql {
  return sql`bellows.${id(counter)}()`
}

/**
 * Puts the probe in. That the view comes back to the letter is tried first, and how it looks with the probe is noted, so that nothing
 * that somebody makes of it meanwhile is lost. One number is taken ahead: a counter that says none has been emptied by a crash.
 */
export function installProbeSql({ view, counter, original, probed, keepsOut }: ViewProbe): readonly Sql[] {
  return [
    ...counterSql(counter, keepsOut ? ['sequence', 'table'] : ['table']),
    sql`select ${nextNumber(counter)}`,
    sql`create function bellows.${id(tellerOf(counter))}() returns boolean language plpgsql as ${lit(tellerBody(counter))}`,
    sql`revoke all on function bellows.${id(tellerOf(counter))}() from public`,
    // Once for each statement, not for each row, because it is stable and names no column.
    sql`create function ${callSql(counter)} returns boolean language plpgsql stable security definer cost 1 as ${lit(probeBody(view, counter))}`,
    // A function in a view is called with the rights of whoever uses the view.
    sql`grant execute on function ${callSql(counter)} to public`,
    trusted(original),
    sql`select bellows.require(${isDefinedAs(view, original)}, 'plan_refused', ${lit(`PostgreSQL prints the ${shownObject(view)} otherwise when it is made again as it is: drop it by an operation sql in the contract`)})`,
    probed,
    sql`do ${lit(sql`begin execute pg_catalog.format('comment on function ${callSql(counter)} is %L', ${definitionSql(view)}); end`)}`,
  ]
}

/** Gives the view back as it was, unless somebody has made another one of it meanwhile. */
export function takeOutProbeSql({ view, counter, original }: ViewProbe): readonly Sql[] {
  return [
    sql`do ${lit(sql`begin if ${asksProbe(view.name, counter)} then execute ${lit(original)}; end if; end`)}`,
    ...dropProbeSql(counter),
  ]
}

export function dropProbeSql(counter: string): readonly Sql[] {
  return [
    sql`drop function if exists ${callSql(counter)}`,
    sql`drop function if exists bellows.${id(tellerOf(counter))}()`,
    ...dropCounterSql(counter),
  ]
}

/** Does a view ask the probe? */
export function asksProbe(view: QualifiedName, counter: string): Sql {
  return sql`exists (${asking(counter)} and r.ev_class = ${regclass(view)})`
}

export function probeAbsent(counter: string): Sql {
  return sql`${functionOf(counter)} is null`
}

/** Nothing else may ask it when it goes, such as a view that was made by the text of this one. */
export function onlyHereRequirement({ view, counter }: ViewProbe): Requirement {
  return {
    that: sql`not exists (${asking(counter)} and r.ev_class is distinct from ${regclass(view.name)})`,
    code: 'dependents_found',
    otherwise: `something beside the ${shownObject(view)} calls ${callSql(counter)}; take the call out of it, which always says true`,
  }
}

/** As it was left, with the probe, or as somebody has made it since, without. */
export function asLeftRequirement({ view, counter }: ViewProbe): Requirement {
  return {
    that: sql`(not ${asksProbe(view.name, counter)} or ${definitionSql(view)} is not distinct from pg_catalog.obj_description(${functionOf(counter)}, 'pg_proc'))`,
    code: 'drift_found',
    otherwise: `the ${shownObject(view)} was changed since; take ${callSql(counter)} out of its definition, which always says true, and it stays as it is then`,
  }
}

function asking(counter: string): Sql {
  return sql`select from pg_catalog.pg_depend d left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and r.oid = d.objid where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.refobjid = ${functionOf(counter)}`
}

function functionOf(counter: string): Sql {
  return sql`pg_catalog.to_regprocedure(${lit(callSql(counter))})`
}

/**
 * Called by whoever uses the view, and once more wherever the plan of the statement, or a CHECK OPTION, asks again. In a transaction
 * that only reads nothing can be written down; a trial is felt there all the same.
 */
function probeBody(view: DatabaseObject, counter: string): Sql {
  const { counted } = settingsOf(counter)
  return sql`
declare
  moment pg_catalog.text := pg_catalog.statement_timestamp()::pg_catalog.text;
  is_told pg_catalog.bool;
begin
  if coalesce(pg_catalog.current_setting(${lit(counted)}, true), '') operator(pg_catalog.=) moment then
    return true;
  end if;
  moment := pg_catalog.set_config(${lit(counted)}, moment, false);
  if pg_catalog.current_setting('transaction_read_only') operator(pg_catalog.=) 'off' then
    is_told := bellows.${id(tellerOf(counter))}();
  end if;
  if ${isOnTrial(counter)} then
    raise exception using errcode = 'undefined_table', message = ${lit(`"${view.name.name}" is about to be removed, and on trial nobody can use it now`)},
      hint = 'The trial ends by itself; then the view can be used again until it is removed for good.';
  end if;
  return true;
end`
}

/** What cannot be written down, for want of room or of transaction numbers, goes on uncounted. */
function tellerBody(counter: string): Sql {
  const { told } = settingsOf(counter)
  return sql`
declare
  me pg_catalog.text := ${WHO};
  number pg_catalog.int8;
begin
  number := ${nextNumber(counter)};
  if coalesce(pg_catalog.current_setting(${lit(told)}, true), '') operator(pg_catalog.<>) me then
    ${tellSql(counter)};
    me := pg_catalog.set_config(${lit(told)}, me, false);
  end if;
  return true;
exception when others then
  return false;
end`
}

function tellerOf(counter: string): string {
  return `${counter}_tell`
}
