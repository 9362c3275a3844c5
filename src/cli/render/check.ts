import type { BaselineReport, Difference, FileFinding, Reprinted, SchemaDrift } from '../../index.ts'
import type { Terminal } from '../terminal.ts'

interface Checked {
  readonly files: readonly FileFinding[]
  readonly schema: SchemaDrift
  readonly folder: string
}

/** What differs, object by object, each with how it was recorded and how it is. */
export function renderCheck({ files, schema, folder }: Checked, { style }: Terminal): string {
  const wrong = files.filter(({ kind }) => kind !== 'next')
  const next = files.filter(({ kind }) => kind === 'next')
  return [
    wrong.length === 0
      ? `${style('green', 'ok')}       the files in "${folder}" are those of the history`
      : `${style('red', 'differs')}  ${counted(wrong.length, 'file')} in "${folder}"`,
    ...wrong.map(({ migration, because }) => `  ${migration}: ${because}`),
    ...next.map(({ migration, because }) => `  ${migration} ${because}`),
    schemaLine(schema, style),
    ...schema.differences.flatMap(differenceLines),
    ...schema.reprinted.flatMap(reprintedLines),
    ...schema.newPartitions.map(
      ({ namespace, relation }) =>
        `  ${placed(namespace, relation)} is a new partition of a table that is on record`,
    ),
    ...schema.atWork.map(
      ({ relation, migration }) =>
        `  ${relation} is compared when ${migration} is over, which is changing it`,
    ),
    ...(schema.differences.length + schema.reprinted.length === 0 ? [] : ['', REMEDY]),
  ].join('\n')
}

const REMEDY =
  'Take back what was changed by hand, or take it as right: bellows baseline <last applied migration>'

function schemaLine({ recorded, differences }: SchemaDrift, style: Terminal['style']): string {
  if (differences.length > 0)
    return `${style('red', 'differs')}  ${counted(differences.length, 'object')} of the schema`
  switch (recorded) {
    case 'everything':
      return `${style('green', 'ok')}       the schema is as it was recorded`
    case 'tables':
      return `${style('green', 'ok')}       the tables that were migrated are as they were recorded; "bellows baseline" records the others`
    case 'outdated':
      return `${style('yellow', 'unknown')}  the schema is not compared: an older Bellows made the record, which the next change brings up to date`
    case 'nothing':
      return `${style('yellow', 'unknown')}  no schema is recorded yet: "bellows baseline" does, and every completed migration`
  }
}

function differenceLines(difference: Difference): readonly string[] {
  const { recorded, found } = difference
  const name = nameOf(difference)
  if (recorded === null) return [`  ${name} is new: ${shortened(found ?? '')}`]
  if (found === null) return [`  ${name} is missing: ${shortened(recorded)}`]
  return [`  ${name} differs`, ...bothLines(difference)]
}

function bothLines({ recorded, found }: Difference): readonly string[] {
  return [`      recorded  ${shortened(recorded ?? '')}`, `      found     ${shortened(found ?? '')}`]
}

function reprintedLines(one: Reprinted): readonly string[] {
  return [
    `  ${nameOf(one)} was recorded by PostgreSQL ${one.printedBy}, and is not in the same words now: compare them`,
    ...bothLines(one),
  ]
}

function nameOf({ namespace, relation, kind, name }: Named): string {
  const place = placed(namespace, relation)
  const [, owned, what] = /^(.+) (rights|settings|comment)$/.exec(kind) ?? []
  if (owned !== undefined) return `${what} of ${nameOf({ namespace, relation, kind: owned, name })}`
  switch (kind) {
    case 'namespace':
      return `${kind} ${relation}`
    case 'rights by default':
      return `rights by default of ${relation} on ${name}${namespace === '' ? '' : ` in ${namespace}`}`
    case 'aggregate':
    case 'function':
    case 'procedure':
      return `${kind} ${place}(${name})`
    case 'column':
      return `column ${place}.${name}`
    case 'owner':
      return `owner of ${place}`
    case 'grant':
      return `grant to ${name} on ${place}`
    default:
      return name === '' ? `${kind} ${place}` : `${kind} ${name} on ${place}`
  }
}

function placed(namespace: string, relation: string): string {
  return namespace === 'public' || namespace === '' ? relation : `${namespace}.${relation}`
}

type Named = Pick<Difference, 'namespace' | 'relation' | 'kind' | 'name'>

const SHOWN_CHARACTERS = 160

/** Bodies of views and functions are long; --json has them whole. */
function shortened(definition: string): string {
  const line = definition.replaceAll(/\s+/g, ' ').trim()
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS)}…`
}

export function renderBaseline(
  { applied, pending, drift }: BaselineReport,
  { files, isDone }: { readonly files: number; readonly isDone: boolean },
  { style }: Terminal,
): string {
  const taken = [...drift.differences, ...drift.reprinted]
  return [
    `${isDone ? style('green', 'done') : 'would be done'}  ${counted(files, 'file')} taken as applied; the schema is recorded as it is`,
    ...applied.map((name) => `  ${name} counts as applied`),
    ...pending.map((name) => `  ${name} is pending again`),
    ...(taken.length === 0 ? [] : ['Taken as right, though not as recorded before:']),
    ...taken.flatMap(differenceLines),
  ].join('\n')
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
