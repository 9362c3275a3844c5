import { assert } from '../../errors.ts'
import { pinned, pinnedType } from '../../pin.ts'
import { omitted, same } from '../../plan/dual-write.ts'
import { type Names, namesFor } from '../../plan/names.ts'
import type { Counting } from '../../plan/old-writes.ts'
import { companionsOf, type Leaving } from '../../plan/retire.ts'
import type { Installed } from '../../plan/row-trigger.ts'
import { type Column, findColumn, findTable, type Table } from '../../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { twinColumn } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import { carryBody, type Ends, fillBody, pushBody, type Truth } from './bodies.ts'
import { joined, type Link, linksOf, type MoveColumn, sourceOf, targetOf } from './move.ts'

/** Everything that the steps of one move have in common. */
export interface Work {
  readonly source: Table
  readonly target: Table
  readonly from: Column
  /** The new column right after ADD COLUMN, and with what else it takes over. */
  readonly plain: Column
  readonly to: Column
  readonly link: Link
  readonly names: Names
  readonly leaving: Leaving
  readonly ends: (truth: Truth) => Ends
  readonly firings: (truth: Truth) => readonly Firing[]
  readonly counting: Counting
}

/** A trigger with its function, which runs with the rights of the owner: a writer may have none on the other table. */
export interface Firing extends Omit<Installed, 'events' | 'when' | 'asOwner'> {
  readonly at: 'before' | 'after'
  readonly fires: 'insert' | 'update' | 'insert or update' | 'insert or delete'
  readonly condition?: Sql
}

export function workFor(op: MoveColumn, { schema, facts, seed }: Context): Work {
  const [source, target] = [findTable(schema, sourceOf(op)), findTable(schema, targetOf(op))]
  const [link] = linksOf(op, facts)
  const from = source === undefined ? undefined : findColumn(source, op.from.column)
  assert(
    source !== undefined && target !== undefined && from !== undefined && link !== undefined,
    'steps come after check',
  )
  const names = namesFor(seed, from.name, triggersOf(target))
  const { plain, to } = movedColumn(from, op.to.column)
  const ends = (truth: Truth): Ends => ({
    source: sourceOf(op),
    target: targetOf(op),
    from: truth === 'source' ? from.name : names.hidden,
    to: to.name,
    link,
    vacant: from.nullable ? undefined : defaultOf(from),
    carried: settingOf(names),
    held: `bellows.${names.counter}_held`,
    journal: { namespace: 'bellows', name: names.counter.replace('old_writes', 'moved') },
  })
  return {
    source,
    target,
    from,
    plain,
    to,
    link,
    names,
    leaving: {
      table: sourceOf(op),
      column: from.name,
      hidden: names.hidden,
      known: companionsOf(source, from.name),
      counter: names.counter,
    },
    ends,
    firings: (truth) => firingsOf({ seed, source, target, names }, ends(truth), truth),
    counting: countingOf(op, from, names, namesFor(`${seed} push`, from.name, triggersOf(source)).trigger),
  }
}

/** What the new column takes over; the default is for those who write it, and comes when they do. */
export function movedColumn(from: Column, name: string): { readonly plain: Column; readonly to: Column } {
  const plain = twinColumn(from, from, { name, collation: from.collation })
  const { comment, statisticsTarget, options, storage, compression } = from
  return { plain, to: { ...plain, comment, statisticsTarget, options, storage, compression } }
}

function triggersOf({ triggers }: Table): readonly string[] {
  return triggers.map(({ name }) => name)
}

interface Named {
  readonly seed: string
  readonly source: Table
  readonly target: Table
  readonly names: Names
}

function firingsOf({ seed, source, target, names }: Named, ends: Ends, truth: Truth): readonly Firing[] {
  const named = (word: string, of: Table) => namesFor(`${seed} ${word}`, ends.to, triggersOf(of))
  const [carry, lasting] = [named('carry', target), named('carry on', target)]
  const [push, pushed] = [namesFor(`${seed} push`, ends.to, triggersOf(source)), named('push on', source)]
  const changed = (column: string, keys: readonly string[]) => {
    const row = (of: 'new' | 'old') => join([column, ...keys].map((name) => sql`${trusted(of)}.${id(name)}`))
    return sql`not ${same(row('new'), row('old'))}`
  }
  const carrying = { table: ends.target, function: carry.function, body: carryBody(ends, truth) }
  const pushing = { table: ends.source, function: push.function, body: pushBody(ends, truth) }
  return [
    {
      table: ends.target,
      trigger: names.trigger,
      function: names.function,
      body: fillBody(ends, truth),
      at: 'before',
      fires: 'insert or update',
    },
    { ...carrying, trigger: carry.trigger, at: 'after', fires: 'insert or delete' },
    {
      ...carrying,
      trigger: lasting.trigger,
      at: 'after',
      fires: 'update',
      condition: changed(
        ends.to,
        ends.link.pairs.map((pair) => pair.target),
      ),
    },
    { ...pushing, trigger: push.trigger, at: 'after', fires: 'insert' },
    {
      ...pushing,
      trigger: pushed.trigger,
      at: 'after',
      fires: 'update',
      condition: changed(
        ends.from,
        ends.link.pairs.map((pair) => pair.source),
      ),
    },
  ]
}

/** What comes from the target is no write through the old shape. */
function countingOf(op: MoveColumn, from: Column, names: Names, trigger: string): Counting {
  const value = sql`new.${id(from.name)}`
  const isCarried = sql`coalesce(pg_catalog.current_setting(${lit(settingOf(names))}, true), '') operator(pg_catalog.=) 'yes'`
  const named = (word: string) => trigger.replace('_dual_write_', `_count_${word}_`)
  return {
    table: sourceOf(op),
    column: from.name,
    counter: names.counter,
    onInsert: { name: named('insert'), when: sql`not (${omitted({ fromColumn: from }, value)})` },
    onUpdate: {
      name: named('update'),
      when: sql`not ${same(value, sql`old.${id(from.name)}`)}`,
      unless: isCarried,
    },
  }
}

function settingOf({ counter }: Names): string {
  return `bellows.${counter}_carried`
}

/** A default is a literal, see the checks. */
export function defaultOf({ default: text, type }: Column): Sql | undefined {
  if (text === null) return undefined
  return sql`(${pinned(trusted(text)) ?? trusted(text)})::${pinnedType(type) ?? trusted(type)}`
}

/** The value of the source for a row of the target, in a statement on the target. */
export function valueAtTarget({ source, target, from, link }: Work): Sql {
  const isPair = joined(
    link,
    (column) => sql`s.${id(column)}`,
    (column) => sql`${qualified(target)}.${id(column)}`,
  )
  return sql`(select s.${id(from.name)} from ${qualified(source)} s where ${isPair})`
}
