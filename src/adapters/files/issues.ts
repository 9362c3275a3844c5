import type { z } from 'zod'
import { nearest } from '../../core/nearest.ts'
import type { Path } from './source.ts'

/** What the format finds wrong, in our words, and which place tells it best. */
export interface Finding {
  readonly path: Path
  readonly which: 'key' | 'value'
  readonly message: string
  /** Of a field that is missing, or that was meant by another one: its path as text. */
  readonly missing?: string
  readonly meant?: string
}

type Issue = z.core.$ZodIssue

/** @param at where in the file the value stands that the format was held against */
export function findingsOf(format: z.ZodType, value: unknown, at: Path): readonly Finding[] {
  const parsed = format.safeParse(value)
  if (parsed.success) return []
  const found = parsed.error.issues.flatMap((issue) => findings(format, issue, value, at))
  // A field that is only misspelt is not missing besides.
  const misspelt = new Set(found.flatMap(({ meant }) => meant ?? []))
  return found.filter(({ missing }) => missing === undefined || !misspelt.has(missing))
}

function findings(format: z.ZodType, issue: Issue, value: unknown, at: Path): readonly Finding[] {
  const path = [...at, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(format, issue.path).filter((name) => !name.startsWith('$'))
    return issue.keys.map((key) => unknownField(path, key, known))
  }
  if (issue.code === 'invalid_union') {
    const meant = meantOption(issue.errors)
    if (meant !== undefined)
      return meant.flatMap((one) =>
        findings(format, { ...one, path: [...issue.path, ...one.path] }, value, at),
      )
  }
  if (issue.path.length > 0 && valueAt(value, issue.path) === undefined) {
    const around = path.slice(0, -1)
    const message = `${placeText(around)} needs "${String(path.at(-1))}"`
    return [{ path: around, which: 'key', message, missing: placeText(path) }]
  }
  return [{ path, which: 'value', message: `${placeText(path)}: ${wordsOf(issue)}` }]
}

function wordsOf(issue: Issue): string {
  if (issue.code === 'too_small' && issue.minimum === 1) return 'must not be empty'
  if (issue.code === 'invalid_union')
    return `expected one of ${issue.errors.flatMap(([one]) => (one?.code === 'invalid_type' ? one.expected : [])).join(', ')}`
  return issue.message.replace(/^Invalid (?:input|option): /, '')
}

/** Of several forms the one that the value has, if only in part. */
function meantOption(options: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const alike = options.filter(
    (issues) => !issues.some(({ path, code }) => path.length === 0 && code === 'invalid_type'),
  )
  return alike.length === 1 ? alike[0] : undefined
}

export function unknownName(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return meant === undefined ? `there is ${known.join(', ')}` : `did you mean "${meant}"?`
}

function unknownField(path: Path, key: string, known: readonly string[]): Finding {
  const meant = nearest(key, known)
  return {
    path: [...path, key],
    which: 'key',
    message: `${placeText(path)} has no field "${key}"; ${unknownName(key, known)}`,
    ...(meant === undefined ? {} : { meant: placeText([...path, meant]) }),
  }
}

/** `operations[0].rename_column.to` */
export function placeText(path: Path): string {
  if (path.length === 0) return 'the file'
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      inner === null || typeof inner !== 'object' ? undefined : (inner as Record<PropertyKey, unknown>)[part],
    value,
  )
}

/** Names of the fields of an object somewhere within a format; of all forms, where it has several. */
function fieldsAt(format: z.ZodType, path: Path): readonly string[] {
  const def = format.def as FormatDef
  if (def.innerType !== undefined) return fieldsAt(def.innerType, path)
  if (def.in !== undefined) return fieldsAt(def.in, path)
  if (def.options !== undefined) return [...new Set(def.options.flatMap((option) => fieldsAt(option, path)))]
  const [part, ...rest] = path
  if (part === undefined) return Object.keys(def.shape ?? {})
  const inner = def.element ?? def.valueType ?? def.shape?.[String(part)]
  return inner === undefined ? [] : fieldsAt(inner, rest)
}

/** What of the definitions of zod leads to another format within. */
interface FormatDef {
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly shape?: Readonly<Record<string, z.ZodType>>
}
