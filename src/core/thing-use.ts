import { foldedText } from './identifier.ts'
import { parsed, type Tree, visit } from './parse.ts'
import type { Leaver, LeaverInParts } from './plan/leaver.ts'
import type { Shows } from './plan/thing.ts'
import type { QualifiedName } from './schema/model.ts'
import { columnUse } from './statement-use.ts'
import { partsOf } from './statements/statement.ts'

type Certainty = ReturnType<typeof columnUse>

/** A name that every statement has in it which uses what leaves; none where statements do not tell. */
export function nameInUse({ table, thing }: Leaver): string | undefined {
  if (thing === undefined) return table.name
  const texts = (thing.shows ?? []).filter((one) => one.by !== 'scans')
  return texts.map((one) => (one.by === 'conflict' ? one.table : one.name).name)[0]
}

/** May a statement use what leaves that only reads? No such resolves a conflict. */
export function showsInReads({ thing }: Leaver): boolean {
  return thing === undefined || (thing.shows ?? []).some(({ by }) => by !== 'conflict' && by !== 'scans')
}

/** Does a statement use what leaves? The names that it goes by are made ready once for many statements. */
export function usesOf({ table, column, thing, parts = [] }: LeaverInParts): (text: string) => Certainty {
  if (thing !== undefined) {
    const { shows = [] } = thing
    return (text) => surest(shows.map((one) => thingUse(text, one)))
  }
  const partsIn = namedOf(parts)
  return (text) => surest([table, ...partsIn(text)].map((one) => columnUse(text, one, column)))
}

/** Which of many relations does a text name? Words are looked up among them, so `p1` is none of `p12`; what is no plain word may stand anywhere. */
function namedOf(relations: readonly QualifiedName[]): (text: string) => readonly QualifiedName[] {
  const byWord = new Map<string, QualifiedName[]>()
  for (const one of relations) {
    const word = one.name.toLowerCase()
    byWord.set(word, [...(byWord.get(word) ?? []), one])
  }
  const others = relations.filter(({ name }) => /\W/.test(name))
  return (text) => {
    if (relations.length === 0) return []
    const said = foldedText(text)
    const words = new Set(said.split(/\W+/))
    return [
      ...[...words].flatMap((word) => byWord.get(word) ?? []),
      ...others.filter(({ name }) => said.includes(name.toLowerCase())),
    ]
  }
}

function surest(found: readonly Certainty[]): Certainty {
  return found.find((one) => one === 'definite') ?? found.find((one) => one === 'possible') ?? 'none'
}

/** `definite`: it names the thing; `possible`: it names another one of that name, or may, or cannot be read. */
function thingUse(text: string, shows: Shows): Certainty {
  switch (shows.by) {
    case 'relation':
      return columnUse(text, shows.name)
    case 'scans':
      return 'none'
    default:
      return namedIn(text, shows)
  }
}

function namedIn(
  text: string,
  shows: Exclude<Shows, { readonly by: 'relation' } | { readonly by: 'scans' }>,
): Certainty {
  const name = shows.by === 'conflict' ? shows.table : shows.name
  const isSaid = foldedText(text).includes(name.name.toLowerCase())
  if (!isSaid) return 'none'
  const statements = parsed(text)
  if ('problem' in statements) return 'possible'
  let found: Certainty = 'none'
  const see = (one: Certainty) => {
    if (one !== 'none') found = found === 'definite' ? found : one
  }
  visit(statements, (kind, node) => {
    // The parser does not look into a block of another language.
    if (kind === 'DoStmt') see('possible')
    if (shows.by === 'routine') see(called(node, name))
    else if (shows.by === 'type') see(typed(kind, node, name))
    else see(resolved(kind, node, shows))
  })
  return found
}

/** Which one of several that share a name is meant the types of the arguments decide, which nobody knows here. */
function called({ funcname }: Record<string, unknown>, name: QualifiedName): Certainty {
  return Array.isArray(funcname) && isNamed(partsOf(funcname), name) ? 'definite' : 'none'
}

function typed(kind: string, { names }: Record<string, unknown>, name: QualifiedName): Certainty {
  const isType = kind === 'TypeName' || kind === 'typeName'
  return isType && Array.isArray(names) && isNamed(partsOf(names), name) ? 'definite' : 'none'
}

function isNamed(parts: readonly string[], { namespace, name }: QualifiedName): boolean {
  const [last, before = namespace] = parts.toReversed()
  return last === name && before === namespace
}

/** `ON CONFLICT (email)`, `ON CONFLICT ON CONSTRAINT users_email`, `SET CONSTRAINTS users_email`. */
function resolved(
  kind: string,
  node: Record<string, unknown>,
  { table, constraint, columns }: Extract<Shows, { readonly by: 'conflict' }>,
): Certainty {
  if (kind === 'ConstraintsSetStmt') {
    const { constraints = [] } = node as Tree.ConstraintsSetStmt
    return constraints.some((one) => 'RangeVar' in one && one.RangeVar.relname === constraint)
      ? 'definite'
      : 'none'
  }
  const { relation, onConflictClause } = node as Tree.InsertStmt
  const infer = onConflictClause?.infer
  if (infer === undefined || relation?.relname !== table.name) return 'none'
  if ((relation.schemaname ?? table.namespace) !== table.namespace) return 'none'
  if (infer.conname !== undefined) return infer.conname === constraint ? 'definite' : 'none'
  const named = (infer.indexElems ?? []).map((one) => ('IndexElem' in one ? one.IndexElem.name : undefined))
  if (columns === undefined) return 'none'
  // By which of several indexes an expression goes the server decides; and an index may hold more columns than it is a key of.
  if (named.some((one) => one !== undefined && !columns.includes(one))) return 'none'
  return !named.includes(undefined) && named.length === columns.length ? 'definite' : 'possible'
}
