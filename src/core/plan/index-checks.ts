import { BellowsError } from '../errors.ts'
import { dividedProblems } from '../operations/partition/own-index.ts'
import type { Facts } from '../schema/facts.ts'
import type { IndexFacts } from '../schema/indexes.ts'
import { findTable, type Schema, type Table } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { indexNames } from './index-names.ts'
import { type IndexText, readIndex } from './index-text.ts'
import { refused, tableProblems } from './table-checks.ts'

/** What is known of an index definition: how it reads, the table before it, and what the server says. */
export interface ReadIndex {
  readonly text: IndexText | { readonly problem: string }
  readonly table: Table | undefined
  readonly tried: IndexFacts | { readonly problem: string } | undefined
  readonly serverVersion: number
}

/** An index that may be built, as the steps need it. */
export interface SoundIndex {
  readonly text: IndexText
  readonly table: Table
  readonly tried: IndexFacts
}

export function readIndexOf(definition: string, schema: Schema, facts: Facts): ReadIndex {
  const text = readIndex(definition)
  return {
    text,
    table: 'problem' in text ? undefined : findTable(schema, text.table),
    tried: facts.indexes[definition],
    serverVersion: facts.serverVersion,
  }
}

/** Has it passed the checks? */
export function isSound(index: ReadIndex): index is ReadIndex & SoundIndex {
  const { text, table, tried } = index
  return !('problem' in text) && table !== undefined && tried !== undefined && !('problem' in tried)
}

/** Releases whose concurrent builds can leave rows out of the index; fixed in 14.4. */
const CORRUPTING = { from: 140_000, to: 140_004 }

/** Every problem of a definition, whatever name the index will have. */
export function definitionProblems({
  text,
  table,
  tried,
  serverVersion,
}: ReadIndex): readonly BellowsError[] {
  if ('problem' in text) {
    return [
      new BellowsError('migration_invalid', `The definition of the index cannot be used: ${text.problem}.`, {
        hint: 'Write one statement as for psql, such as: create index on users (lower(email))',
      }),
    ]
  }
  const problems = indexedProblems({ namespace: text.table.namespace, table: text.table.name }, table)
  if (problems.length > 0) return problems
  return [...serverProblems(text, tried), ...releaseProblems(serverVersion)]
}

/** What a table must be whose indexes are worked on. */
export function indexedProblems(
  op: { readonly namespace: string; readonly table: string },
  table: Table | undefined,
): readonly BellowsError[] {
  if (table?.kind === 'view')
    return [
      refused(
        `${shown(op.namespace)}.${shown(op.table)} is a view, of which only a materialized one has indexes, and those come and go with sql.`,
        'Write sql with CREATE INDEX CONCURRENTLY, or DROP INDEX CONCURRENTLY, and outside_transaction: true.',
      ),
    ]
  const problems = tableProblems(op, table, ['table', 'partitioned', 'partition'])
  return table === undefined || problems.length > 0 ? problems : dividedProblems(table)
}

/** Nothing is built of which the server has said nothing. */
function notAsked({ table }: IndexText): BellowsError {
  return refused(
    `The server cannot be asked about the index on ${shown(table.namespace)}.${shown(table.name)}, which is not there under this name yet.`,
    'Put it into the next migration, which begins when this one is completed.',
  )
}

function serverProblems(text: IndexText, tried: ReadIndex['tried']): readonly BellowsError[] {
  if (tried === undefined) return [notAsked(text)]
  if (!('problem' in tried)) return []
  const { table } = text
  const hint = /IMMUTABLE/.test(tried.problem)
    ? 'An index keeps what an expression came to once. Use one that no setting and no time changes, such as to_tsvector with its configuration, or a time at a fixed zone.'
    : 'It was tried on an empty copy of the table; nothing was changed.'
  return [
    new BellowsError(
      'migration_invalid',
      `PostgreSQL does not take the index on "${table.name}": ${tried.problem}`,
      { hint },
    ),
  ]
}

function releaseProblems(serverVersion: number): readonly BellowsError[] {
  if (serverVersion < CORRUPTING.from || serverVersion >= CORRUPTING.to) return []
  return [
    refused(
      'A concurrent build on PostgreSQL 14.0 to 14.3 can leave rows out of the index.',
      'Update the server to the newest release of 14 first.',
    ),
  ]
}

/** The name that the index will have: its own, or the first that PostgreSQL would find free. */
export function chosenName(index: SoundIndex): string | undefined {
  if (index.text.name !== undefined) return index.text.name
  return indexNames(index.table.name, index.tried.index).find((name) => inTheWay(index, name) === undefined)
}

/** Who has the name. An invalid index of this very definition is a failed build, and is built again. */
export function inTheWay({ table, tried }: SoundIndex, name: string): BellowsError | undefined {
  const namesake = tried.namesakes.find((one) => one.name === name)
  if (namesake === undefined) {
    return table.indexes.some((one) => one.name === name)
      ? refused(`The migration makes another index ${shown(name)}.`, 'Give one of them another name.')
      : undefined
  }
  if (namesake.table !== table.name || namesake.using === null)
    return refused(`There is a ${shown(name)} already, and it is no index of "${table.name}".`, OTHER_NAME)
  if (namesake.using !== tried.using)
    return refused(
      `The table "${table.name}" has another index ${shown(name)}: ${namesake.using}`,
      `${OTHER_NAME} To give this one a new definition, write replace_index.`,
    )
  if (namesake.valid)
    return refused(
      `The table "${table.name}" has this index ${shown(name)} already.`,
      'Take the operation out if that index is the one you mean.',
    )
  // Somebody's unfinished index of a partitioned table may have parts that are attached for good.
  return table.kind === 'partitioned'
    ? refused(
        `The table "${table.name}" has this index ${shown(name)}, but not in each of its partitions, so it is not valid.`,
        'Write replace_index with the same definition: it builds a whole one, and drops this one with its parts.',
      )
    : undefined
}

const OTHER_NAME = 'Give the index another name.'
