import { BellowsError, columnNameProblem, identifierProblem, type QualifiedName } from '../index.ts'

export type Body = Readonly<Record<string, unknown>>

/** Reads fields of a message. What is wrong with one is said with its name, as error 12. */
export function text(body: Body, field: string): string {
  const value = body[field]
  if (value === undefined) throw malformed(`the field "${field}" is missing`)
  if (typeof value !== 'string') throw malformed(`the field "${field}" is not a string`)
  if (value === '') throw malformed(`the field "${field}" is empty`)
  if (value.includes('\0')) throw malformed(`the field "${field}" contains a NUL character`)
  return value
}

/** The name of something in the database. What cannot be one is refused before anything is looked up. */
function name(body: Body, field: string, problemOf = identifierProblem): string {
  const value = text(body, field)
  const problem = problemOf(value)
  if (problem === undefined) return value
  throw malformed(`the name in the field "${field}" ${problem}`)
}

export function columnName(body: Body, field: string): string {
  return name(body, field, columnNameProblem)
}

export function optionalColumnName(body: Body, field: string): string | undefined {
  return body[field] === undefined ? undefined : columnName(body, field)
}

export function optionalText(body: Body, field: string): string | undefined {
  return body[field] === undefined ? undefined : text(body, field)
}

export function optionalFlag(body: Body, field: string): boolean | undefined {
  const value = body[field]
  if (value === undefined || typeof value === 'boolean') return value
  throw malformed(`the field "${field}" is not true or false`)
}

/** A whole number within bounds, both included. */
export function optionalNumber(
  body: Body,
  field: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const value = body[field]
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value
  const above = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`
  throw malformed(`the field "${field}" is not a whole number of at least ${least}${above}`)
}

export function texts(body: Body, field: string): readonly string[] {
  const value = body[field]
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw malformed(`the field "${field}" is not a list of strings`)
  if (value.some((one) => one.includes('\0')))
    throw malformed(`the field "${field}" contains a NUL character`)
  return value
}

/** A table, in the namespace that its own field names. A dot is no separator here: names are taken literally. */
export function tableName(body: Body): QualifiedName {
  const table = name(body, 'table')
  if (table.includes('.')) {
    throw malformed(
      `the table "${table}" contains a dot; say the namespace in a field of its own, "namespace"`,
    )
  }
  return { namespace: namespaceName(body), name: table }
}

export function optionalTableName(body: Body): QualifiedName | undefined {
  return body.table === undefined ? undefined : tableName(body)
}

export function namespaceName(body: Body): string {
  return body.namespace === undefined ? 'public' : name(body, 'namespace')
}

export function malformed(what: string): BellowsError {
  return new BellowsError('request_malformed', `Malformed request: ${what}.`)
}

export function unsupported(field: string, value: string, known: readonly string[]): BellowsError {
  return new BellowsError(
    'request_unsupported',
    `The ${field} "${value}" is not supported; there is ${known.join(', ')}.`,
  )
}
