import { entriesByName } from '../../entries.ts'
import { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Index } from '../../schema/indexes.ts'
import { findColumn, hasImmediateKey, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { nameOfOption, STORAGE_PARAMETERS } from './parameters.ts'
import { parametersOf, type SetTable } from './set-table.ts'

/** The table as it is afterwards. */
export function changedTable(op: SetTable, table: Table): Table {
  const named = parametersOf(op)
  const { replicaIdentity } = op
  return {
    ...table,
    comment: op.comment === undefined ? table.comment : op.comment === '' ? null : op.comment,
    options: [
      ...table.options.filter((option) => !named.includes(nameOfOption(option))),
      ...entriesByName(op.set).map(([name, value]) => `${name}=${value}`),
    ],
    ...(replicaIdentity === undefined
      ? {}
      : {
          replicaIdentity: typeof replicaIdentity === 'string' ? replicaIdentity : 'index',
          indexes: table.indexes.map((index) => ({
            ...index,
            replicaIdentity: typeof replicaIdentity !== 'string' && replicaIdentity.index === index.name,
          })),
        }),
  }
}

export function settingProblems(op: SetTable, table: Table): readonly BellowsError[] {
  const names = parametersOf(op)
  if (names.length === 0 && op.comment === undefined && op.replicaIdentity === undefined)
    return [
      invalid(`The operation sets nothing of "${op.table}".`, 'Say comment, set, reset or replica_identity.'),
    ]
  return [
    ...names
      .filter((name) => !STORAGE_PARAMETERS.has(name))
      .map((name) =>
        invalid(
          `"${name}" is no storage parameter of a table.`,
          `One of ${[...STORAGE_PARAMETERS.keys()].filter((known) => !known.startsWith('toast.')).join(', ')}; of its TOAST table with "toast." in front.`,
        ),
      ),
    ...op.reset
      .filter((name) => Object.hasOwn(op.set, name))
      .map((name) => invalid(`"${name}" is both set and reset.`, 'Keep one.')),
    ...(table.kind === 'partitioned' && names.length > 0
      ? [
          refused(
            `"${table.name}" is a partitioned table, which has no rows and so no storage parameters.`,
            'Set them on each of its partitions.',
          ),
        ]
      : []),
    ...identityProblems(op, table),
  ]
}

/** Is what happens to its rows told to others, who must find them? */
export function isPublished({ publications }: Table): boolean {
  return publications.length > 0
}

/** What a full identity costs. */
export function wholeRowsHazard(table: string): Hazard {
  return {
    code: 'log_grows',
    because: `Every UPDATE and DELETE of "${table}" writes the whole old row to the log, and whoever replays it looks for that row.`,
  }
}

/** Would its rows be told by nothing? */
export function isBare(identity: 'default' | 'nothing', table: Table): boolean {
  return identity === 'nothing' || !hasImmediateKey(table)
}

/** Without an identity every UPDATE and DELETE of a published table fails. */
function identityProblems({ replicaIdentity }: SetTable, table: Table): readonly BellowsError[] {
  if (replicaIdentity === undefined || replicaIdentity === 'full') return []
  if (typeof replicaIdentity !== 'string') return indexProblems(table, replicaIdentity.index)
  if (!isBare(replicaIdentity, table) || !isPublished(table)) return []
  const why = replicaIdentity === 'nothing' ? '' : ', as it has no primary key that is checked at once'
  return [
    refused(
      `"${table.name}" would have no replica identity${why}, and every UPDATE and DELETE of it would fail: the publication ${table.publications.map(shown).join(', ')} publishes them.`,
      'Take it out of the publication first, or choose full or a unique index.',
    ),
  ]
}

function indexProblems(table: Table, name: string): readonly BellowsError[] {
  const index = table.indexes.find((one) => one.name === name)
  const problem = index === undefined ? 'does not exist' : unfit(table, index)
  if (problem === undefined) return []
  return [
    refused(
      `The index "${name}" of "${table.name}" ${problem}.`,
      'A replica identity is a valid unique index on columns that are NOT NULL, of all rows, and checked at once.',
    ),
  ]
}

function unfit(table: Table, index: Index): string | undefined {
  if (!index.unique) return 'is not unique'
  if (!index.valid) return 'is not valid'
  if (/ WHERE /.test(index.definition)) return 'is of some rows only'
  const columns = index.nameParts.map((part) => findColumn(table, part))
  if (columns.some((column) => column === undefined)) return 'is on an expression'
  if (columns.some((column) => column?.nullable === true)) return 'is on a column that may be NULL'
  const carried = table.constraints.find((one) => one.name === index.constraint)
  return carried?.deferrable === true ? 'is checked late' : undefined
}

function invalid(message: string, hint: string): BellowsError {
  return new BellowsError('migration_invalid', message, { hint })
}
