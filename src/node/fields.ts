import { BellowsError } from '../index.ts'

export type Body = Readonly<Record<string, unknown>>

/** Reads fields of a message. What is wrong with one is said with its name, as error 12. */
export function text(body: Body, field: string): string {
  const value = body[field]
  if (value === undefined) throw malformed(`the field "${field}" is missing`)
  if (typeof value !== 'string') throw malformed(`the field "${field}" is not a string`)
  if (value === '') throw malformed(`the field "${field}" is empty`)
  return value
}

export function optionalText(body: Body, field: string): string | undefined {
  return body[field] === undefined ? undefined : text(body, field)
}

export function optionalFlag(body: Body, field: string): boolean | undefined {
  const value = body[field]
  if (value === undefined || typeof value === 'boolean') return value
  throw malformed(`the field "${field}" is not true or false`)
}

/** A whole number of at least `least`. */
export function optionalNumber(body: Body, field: string, least: number): number | undefined {
  const value = body[field]
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw malformed(`the field "${field}" is not a whole number of at least ${least}`)
}

export function texts(body: Body, field: string): readonly string[] {
  const value = body[field]
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  throw malformed(`the field "${field}" is not a list of strings`)
}

/** A table, in the namespace that its own field names. A dot is no separator here: names are taken literally. */
export function tableName(body: Body, name: string): { readonly namespace: string; readonly name: string } {
  const namespace = optionalText(body, 'namespace') ?? 'public'
  if (name.includes('.')) {
    throw malformed(
      `the table "${name}" contains a dot; say the namespace in a field of its own, "namespace"`,
    )
  }
  return { namespace, name }
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
