import { id, type Sql, sql } from '../sql.ts'
import { isIdentity, type Pair, relation, same, unfilled } from './dual-write.ts'
import type { Chore } from './row-trigger.ts'

/**
 * What is done where writers know but one of the two columns: the other one follows it, whatever it was given, and no write is
 * refused. What a row holds that agrees is left alone, so that a mapping that loses something does not eat what it came from.
 */
export function follow(pair: Pair, follower: 'old' | 'new'): Chore {
  const { mapping } = pair
  const [newFrom, newTo] = [sql`new.${id(pair.from)}`, sql`new.${id(pair.to)}`]
  const agrees = relation(mapping, newFrom, newTo)
  const { keeps, follows } =
    follower === 'new' || mapping.down === undefined
      ? {
          keeps: sql`${agrees} and not ${unfilled(mapping, newFrom, newTo)}${arrives(pair)}`,
          follows: sql`${newTo} := ${mapping.up(newFrom)};`,
        }
      : {
          // An INSERT leaves it out, and where it is NOT NULL that it agrees as NULL is not enough.
          keeps: sql`${agrees} and (tg_op operator(pg_catalog.=) 'UPDATE' or ${newFrom} is not null)`,
          follows: sql`${newFrom} := ${mapping.down(newTo)};`,
        }
  return {
    lines: () => sql`  if not (${keeps}) then
    ${follows}
  end if;`,
  }
}

/** What a writer changes arrives, also where the follower would come back as the same: then it stands for another value. */
function arrives({ mapping, from, to }: Pair): Sql {
  if (mapping.down === undefined || isIdentity(mapping)) return sql``
  const [newFrom, oldFrom] = [sql`new.${id(from)}`, sql`old.${id(from)}`]
  return sql` and (tg_op operator(pg_catalog.=) 'INSERT' or ${same(newFrom, oldFrom)} or ${same(sql`new.${id(to)}`, mapping.up(newFrom))})`
}
