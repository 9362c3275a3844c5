import { assert } from '../../errors.ts'
import { all } from '../../plan/probes.ts'
import type { Facts } from '../../schema/facts.ts'
import { id, join, type Sql, sql, trusted } from '../../sql.ts'
import { isGiven, targetQuestion } from './catalog.ts'
import { type Item, isSameItem, type Right } from './privileges.ts'
import { type Target, targetSql } from './target.ts'

/** What the owner has given, as far as an operation changes it, before and afterwards. */
export interface Change {
  readonly target: Target
  readonly before: readonly Item[]
  readonly after: readonly Item[]
}

export interface Known {
  readonly owned: boolean
  /** `grantor` is null for the owner. */
  readonly items: readonly (Item & { readonly grantor: string | null })[]
}

/** Nothing of what the migration itself makes. */
export function knownOf(target: Target, facts: Facts): Known | undefined {
  const answer = facts.answers[targetQuestion(target)]
  assert(answer !== undefined, 'what an operation asks is answered')
  return 'problem' in answer ? undefined : (answer[0] as unknown as Known | undefined)
}

/** What the owner has given of that. Whoever takes a privilege of a whole table away takes it from its columns as well. */
export function givenOf(known: Known | undefined, wanted: readonly Right[]): Item[] {
  return (known?.items ?? [])
    .filter((item) => item.grantor === null && wanted.some((one) => covers(one, item)))
    .map(({ column, grantee, privilege, grantable }) => ({ column, grantee, privilege, grantable }))
}

export function covers(whole: Right, part: Right): boolean {
  return isSameItem(whole, whole.column === null ? { ...part, column: null } : part)
}

/** Is everything given as it should be, and nothing else of what was before? */
export function isAs(target: Target, wants: readonly Item[], others: readonly Item[]): Sql {
  return all([
    ...wants.map((item) => isGiven(target, item, item.grantable)),
    ...others.filter((one) => !isIn(wants, one)).map((item) => sql`not ${isGiven(target, item)}`),
  ])
}

/** From what is given to what should be. */
export function changeSql(target: Target, has: readonly Item[], wants: readonly Item[]): readonly Sql[] {
  const gone = has.filter((item) => !isIn(wants, item))
  const weaker = has.filter(
    (item) => item.grantable && wants.some((one) => isSameItem(one, item) && !one.grantable),
  )
  const isLost = (item: Item) =>
    [...gone, ...weaker].some((one) => !isSameItem(one, item) && covers(one, item))
  const stays = (item: Item) =>
    has.some((one) => isSameItem(one, item) && one.grantable === item.grantable) && !isLost(item)
  const missing = wants.filter((item) => !stays(item) && !isIn(weaker, item))
  const on = sql`on ${targetSql(target)}`
  return [
    ...byRole(gone, (role, words) => sql`revoke ${words} ${on} from ${role}`),
    ...byRole(weaker, (role, words) => sql`revoke grant option for ${words} ${on} from ${role}`),
    ...byRole(
      missing.filter(({ grantable }) => !grantable),
      (role, words) => sql`grant ${words} ${on} to ${role}`,
    ),
    ...byRole(
      missing.filter(({ grantable }) => grantable),
      (role, words) => sql`grant ${words} ${on} to ${role} with grant option`,
    ),
  ]
}

function isIn(items: readonly Item[], item: Item): boolean {
  return items.some((one) => isSameItem(one, item))
}

function byRole(items: readonly Item[], statement: (role: Sql, words: Sql) => Sql): readonly Sql[] {
  const roles = [...new Set(items.map(({ grantee }) => grantee))]
  return roles.map((role) =>
    statement(
      role === 'public' ? sql`public` : id(role),
      privilegesSql(items.filter(({ grantee }) => grantee === role)),
    ),
  )
}

/** Such as `select, update ("a", "b")`. */
function privilegesSql(items: readonly Item[]): Sql {
  const words = [...new Set(items.map(({ privilege }) => privilege))].flatMap((privilege) => {
    const own = items.filter((item) => item.privilege === privilege)
    const columns = own.flatMap(({ column }) => (column === null ? [] : [id(column)]))
    return [
      ...(own.some(({ column }) => column === null) ? [trusted(privilege)] : []),
      ...(columns.length === 0 ? [] : [sql`${trusted(privilege)} (${join(columns)})`]),
    ]
  })
  return join(words)
}
