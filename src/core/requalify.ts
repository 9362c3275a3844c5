import { parsed, type Token, tokensOf, visit, withTokens } from './parse.ts'
import type { QualifiedName } from './schema/model.ts'
import { id } from './sql.ts'

/** What stands in front of a text of a person where it is read as a part of a statement. */
const HEADS = { expression: 'select ', exclusion: 'alter table t add exclude ', statement: '' } as const

/** Another name of a table. */
export interface TableRenaming {
  readonly from: QualifiedName
  readonly to: string
}

/** A text whose columns are named with their table, such as `users.age > 0`, with another name of that. What cannot be read stays. */
export function requalify(text: string, as: keyof typeof HEADS, { from, to }: TableRenaming): string {
  const head = HEADS[as]
  const whole = `${head}${text}`
  const found = parsed(whole)
  if ('problem' in found) return text
  const tokens = tokensOf(whole)
  const named: Token[] = []
  visit(found, (kind, node) => {
    if (kind !== 'ColumnRef') return
    const token = tableToken(node as unknown as ColumnRef, from, tokens)
    if (token !== undefined) named.push(token)
  })
  const inOrder = named.sort((a, b) => a.start - b.start)
  return withTokens(whole, inOrder, id(to)).slice(head.length)
}

interface ColumnRef {
  readonly fields: readonly { readonly String?: { readonly sval?: string } }[]
  readonly location?: number
}

/** Where a column is named with the table. */
function tableToken(
  { fields, location = 0 }: ColumnRef,
  { namespace, name }: QualifiedName,
  tokens: readonly Token[],
): Token | undefined {
  const names = fields.slice(0, -1).map((field) => field.String?.sval)
  const isTable = names.at(-1) === name && names.length <= 2 && (names.at(-2) ?? namespace) === namespace
  const at = tokens.findIndex(({ start }) => start === location)
  return isTable ? tokens[at + 2 * (names.length - 1)] : undefined
}
