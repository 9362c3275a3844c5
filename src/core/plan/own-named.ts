import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import { readDefinition } from '../operations/object/definition.ts'
import { parsed, visit } from '../parse.ts'
import { constantsIn } from '../rewrite.ts'
import type { QualifiedName } from '../schema/model.ts'
import { partsOf } from '../statements/statement.ts'

/** The name of an object, or a value of an enum, that operations in front of one make, and that it says somewhere in SQL. */
export function ownNamed(op: Operation, earlier: Migration['operations']): string | undefined {
  const made = earlier.flatMap(madeBy)
  if (made.length === 0) return undefined
  const texts = textsOf(op).filter((text) => !('problem' in parsed(text)))
  const names = new Set(texts.flatMap(namesIn))
  const values = new Set(
    texts.flatMap((text) => constantsIn(text)).flatMap((constant) => [constant, ...elementsOf(constant)]),
  )
  return made.find(({ name, isValue }) => (isValue ? values : names).has(name))?.name
}

/** What operations in front of one make, and that it says without its namespace where nothing is looked for in one. */
export function saidWithoutNamespace(
  op: Operation,
  earlier: Migration['operations'],
): QualifiedName | undefined {
  const said = expressionsOf(op)
    .filter((text) => !('problem' in parsed(text)))
    .flatMap(partsIn)
  const plain = new Set(said.flatMap((parts) => (parts.length === 1 ? parts : [])))
  return earlier.flatMap(objectOf).find(({ name }) => plain.has(name))
}

interface Made {
  readonly name: string
  /** A value of an enum stands in SQL as a text, everything else by its name. */
  readonly isValue: boolean
}

function madeBy(op: Operation): readonly Made[] {
  if (op.kind === 'add_enum_value') return [{ name: op.value, isValue: true }]
  return objectOf(op).map(({ name }) => ({ name, isValue: false }))
}

function objectOf(op: Operation): readonly QualifiedName[] {
  const read = op.kind === 'create_object' ? readDefinition(op) : { problem: '' }
  return 'problem' in read ? [] : [read.object.name]
}

/** All of an operation that is SQL, as statements. */
function textsOf(op: Operation): readonly string[] {
  const { indexes = [], bounds = [] } = specOf(op).needs(op)
  return [
    ...expressionsOf(op),
    ...indexes.map(({ definition }) => definition),
    ...bounds.map((one) => `alter table t attach partition p ${one.bounds}`),
    ...unasked(op),
  ]
}

/** Types and expressions, which mean the same whatever the search_path is. */
function expressionsOf(op: Operation): readonly string[] {
  const { types = [], ...needs } = specOf(op).needs(op)
  const { expressions = [], values = [], mappings = [], defaults = [], conditions = [] } = needs
  return [
    ...[...types, ...expressions.map(({ type }) => type)].map((type) => `select null::${type}`),
    ...[...expressions, ...values, ...mappings, ...defaults].map(({ expression }) => `select ${expression}`),
    ...conditions.map(({ condition }) => `select ${condition}`),
  ]
}

/** What is asked about in other words, or not at all. */
function unasked(op: Operation): readonly string[] {
  switch (op.kind) {
    case 'create_object':
    case 'replace_object':
      return [op.definition]
    case 'add_constraint':
      return op.exclude === undefined ? [] : [`alter table t add constraint c exclude ${op.exclude}`]
    case 'sql':
      return op.probe === undefined ? [] : [`select (${op.probe}\n)`]
    default:
      return []
  }
}

/** Functions that are called, and types. A column may have any name. */
function namesIn(text: string): readonly string[] {
  return partsIn(text).flatMap((parts) => parts.at(-1) ?? [])
}

function partsIn(text: string): readonly (readonly string[])[] {
  const found: (readonly string[])[] = []
  visit(parsed(text), (kind, { names, funcname }) => {
    const name = kind === 'FuncCall' ? funcname : names
    if (Array.isArray(name)) found.push(partsOf(name))
  })
  return found
}

/** Of an array or a row that is written as one text. */
function elementsOf(constant: string): readonly string[] {
  return constant.split(/[{}(),"]+/)
}
