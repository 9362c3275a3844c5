import { assert } from '../../errors.ts'
import { findTable, type QualifiedName, type Schema, withTable } from '../../schema/model.ts'
import { renamedSequence } from '../copy/twin-schema.ts'
import type { Work } from '../copy/work.ts'
import { type HandOver, identityOf } from '../keys/identity.ts'
import { type Link, linkedBy, linkOf, type Moved, movedKey } from '../keys/links.ts'
import { comesAnew } from '../keys/links-again.ts'
import type { Context } from '../operation.ts'
import type { RenameColumn } from './rename.ts'

/** What hangs on a column because rows are known by it. Its primary key is one of the things that every copy carries. */
export interface RenamedKey {
  /** The foreign keys that point at it. They stand on both columns until the old one goes. */
  readonly links: readonly Link[]
  /** Those of them that come anew, on the new column, with the primary key that they stand on. */
  readonly anew: readonly Link[]
  /** From the old column, as it is called when it is hidden. */
  readonly identity: HandOver | undefined
}

export function renamedKey(op: RenameColumn, { schema, facts }: Context, work: Work): RenamedKey {
  const { table, from, to, names, fromColumn } = work
  const moved = [{ table, from, to }]
  const links = linkedBy(schema, [{ table, column: from }]).map((one) =>
    linkOf(one, moved, names.copy(one.key.name)),
  )
  return {
    links,
    anew: links
      .filter(comesAnew)
      .map((one) => ({ ...one, key: { ...one.key, definition: movedKey(one, moved) } })),
    identity:
      fromColumn.identity === 'no' ? undefined : handOver(work, identityOf({ ...op, column: from }, facts)),
  }
}

function handOver(work: Work, sequence: QualifiedName | undefined): HandOver {
  assert(sequence !== undefined, 'an identity has a sequence')
  const { table, from, to, names, fromColumn, leaving } = work
  return {
    table,
    from: leaving.hidden,
    to,
    identity: fromColumn.identity,
    sequence,
    becomes: renamedSequence({ from, to }, table, sequence),
    aside: names.copy(sequence.name),
  }
}

/** The schema in which foreign keys that point at the column do so by its new name. */
export function relinked(before: Schema, after: Schema, moved: Moved): Schema {
  return linkedBy(before, [{ table: moved.table, column: moved.from }]).reduce((so, link) => {
    const table = findTable(so, link.table)
    if (table === undefined) return so
    const definition = movedKey(link, [moved])
    return withTable(so, {
      ...table,
      constraints: table.constraints.map((one) =>
        one.name === link.key.name ? { ...one, definition } : one,
      ),
    })
  }, after)
}
