import { markedSql } from '../../../plan/carry.ts'
import { commentedSql } from '../../../plan/commented.ts'
import { compileAnewSql } from '../../../plan/compiled-anew.ts'
import { inLockOrder } from '../../../plan/locks.ts'
import { all, columnAbsent, columnExists } from '../../../plan/probes.ts'
import { renameSql } from '../../../plan/retire.ts'
import { functionSql } from '../../../plan/row-trigger.ts'
import type { Lock, StepDraft } from '../../../plan/step.ts'
import type { QualifiedName } from '../../../schema/model.ts'
import { id, qualified, type Sql, sql } from '../../../sql.ts'
import { moveDefaultSql } from '../../copy/leave-steps.ts'
import { handOverSql } from '../../keys/identity.ts'
import { dropConstraintSql, takeOverLinksSql } from '../../keys/links.ts'
import { dropAgainSql, partsWithoutHazard, putAgainSql } from '../../keys/links-again.ts'
import { returnDefaultSql } from '../steps.ts'
import { type Keys, linksOf, type Member } from './keys.ts'
import { dropNotNullSql, setNotNullSql } from './not-null.ts'
import { giveBackPartsSql, isParted, standBack, standThere, takeOverPartsSql } from './parted.ts'
import type { PrimaryKey } from './primary-key.ts'
import { swapBackRequirements, swapRequirements } from './requirements.ts'

/** All columns get their new names at once, and with them the keys: nobody sees one without the others. */
export function swapKeysStep(keys: Keys): StepDraft {
  const { members, primaryKeys, links, anew, along } = keys
  return {
    kind: 'retire',
    phase: 'retire',
    does: `have ${calledAll(members)} be the new ${members.length === 1 ? 'column' : 'columns'}, and hide the old`,
    hazards: anew.flatMap(partsWithoutHazard),
    probe: all([
      ...(along === undefined ? [] : [along.isThere]),
      ...members.flatMap(({ table, to, leaving }) => [
        columnAbsent(table, to),
        columnExists(table, leaving.hidden),
      ]),
    ]),
    locks: swapLocks(keys),
    requires: swapRequirements(keys),
    ...standThere(primaryKeys),
    statements: [
      ...(along?.there ?? []),
      ...linksOf(keys).map(({ table, key }) => dropConstraintSql(table, key.name)),
      ...primaryKeys.flatMap((key) => (isParted(key) ? [] : [dropKeySql(key)])),
      ...members.flatMap(takeOverSql),
      ...primaryKeys.flatMap((key) =>
        isParted(key) ? [takeOverPartsSql(key)] : keySql(key, key.next, true),
      ),
      ...takeOverLinksSql(links),
      // The rows that are there are held to it by the old one until now, and by the proofs.
      ...anew.flatMap(putAgainSql),
      compiledSql(keys),
    ],
    cost: 'instant',
  }
}

/** Undoes `swapKeysStep`: instant and lossless, because the hidden columns were kept in step. */
export function swapKeysBackStep(keys: Keys): StepDraft {
  const { members, primaryKeys, links, anew, along } = keys
  return {
    kind: 'ddl',
    phase: 'retire',
    does: `have ${calledAll(members)} be the old ${members.length === 1 ? 'column' : 'columns'} again`,
    hazards: [],
    probe: all([
      ...(along === undefined ? [] : [along.isBack]),
      ...members.flatMap(({ table, from, leaving }) => [
        columnExists(table, from),
        columnAbsent(table, leaving.hidden),
      ]),
    ]),
    locks: swapLocks(keys),
    requires: swapBackRequirements(keys),
    ...standBack(primaryKeys),
    statements: [
      ...(along?.back ?? []),
      ...links.map(({ table, key }) => dropConstraintSql(table, key.name)),
      ...anew.map(dropAgainSql),
      ...primaryKeys.flatMap((key) => (isParted(key) ? [] : [dropKeySql(key)])),
      ...members.flatMap(giveBackSql),
      ...primaryKeys.flatMap((key) =>
        isParted(key) ? [giveBackPartsSql(key)] : keySql(key, key.spare, false),
      ),
      // For new rows; those that are there were held to it by the twin, and are looked at in a step of its own.
      ...linksOf(keys).flatMap(putAgainSql),
      compiledSql(keys),
    ],
    cost: 'instant',
  }
}

function compiledSql({ members, along }: Keys): Sql {
  return compileAnewSql(tablesOf(members), along?.types)
}

function calledAll(members: readonly Member[]): string {
  return members.map(({ table, from }) => `"${from}" of "${table.name}"`).join(' and ')
}

function tablesOf(all: readonly { readonly table: QualifiedName }[]): readonly QualifiedName[] {
  return inLockOrder(all.map(({ table }) => table))
}

function swapLocks({ members, ...keys }: Keys): readonly Lock[] {
  return [
    ...tablesOf([...members, ...linksOf(keys)]).map(
      (relation): Lock => ({ relation, level: 'access_exclusive' }),
    ),
    ...members.flatMap(({ identity, fromColumn }): readonly Lock[] => [
      ...(identity === undefined
        ? []
        : [{ relation: identity, level: 'access_exclusive' as const, implied: true as const }]),
      ...fromColumn.sequences.map((relation) => ({
        relation,
        level: 'share_row_exclusive' as const,
        implied: true as const,
      })),
    ]),
  ]
}

function takeOverSql(member: Member): readonly Sql[] {
  const { table, from, to, leaving, hidden } = member
  return [
    renameSql(table, from, leaving.hidden),
    renameSql(table, to, from),
    functionSql(hidden),
    ...moveDefaultSql(member),
    ...ownSequencesSql(member),
    ...setNotNullSql(member),
    ...identitySql(member, leaving.hidden, from),
  ]
}

function giveBackSql(member: Member): readonly Sql[] {
  const { table, from, to, leaving, installed } = member
  return [
    ...identitySql(member, from, leaving.hidden),
    ...returnDefaultSql(member),
    renameSql(table, from, to),
    renameSql(table, leaving.hidden, from),
    functionSql(installed),
    ...ownSequencesSql(member),
    ...dropNotNullSql(member),
  ]
}

/** Whichever column has the name owns the sequence of a serial: that is where people look for it. */
function ownSequencesSql({ table, from, fromColumn }: Member): readonly Sql[] {
  return fromColumn.sequences.map(
    (sequence) => sql`alter sequence ${qualified(sequence)} owned by ${qualified(table)}.${id(from)}`,
  )
}

function identitySql(
  { table, fromColumn, identity, names }: Member,
  from: string,
  to: string,
): readonly Sql[] {
  if (identity === undefined) return []
  const aside = names.copy(identity.name)
  return handOverSql({
    table,
    from,
    to,
    identity: fromColumn.identity,
    sequence: identity,
    becomes: identity,
    aside,
  })
}

function dropKeySql({ table, key }: PrimaryKey): Sql {
  return dropConstraintSql(table, key.name)
}

/** A unique index that stands becomes the primary key, with all that the one before it had. */
function keySql({ table, key, index, columns }: PrimaryKey, of: string, isNew: boolean): readonly Sql[] {
  const on = qualified(table)
  const carrying = { namespace: table.namespace, name: key.name }
  return [
    sql`alter table ${on} add constraint ${id(key.name)} primary key using index ${id(of)}`,
    // An index keeps the names that its columns had when it was built.
    ...(isNew
      ? columns.map(
          ({ from, to }) => sql`alter table ${qualified(carrying)} rename column ${id(to)} to ${id(from)}`,
        )
      : []),
    ...commentedSql(sql`constraint ${id(key.name)} on ${on}`, key.comment),
    ...markedSql(table, index, key.name),
    ...(index.replicaIdentity ? [sql`alter table ${on} replica identity using index ${id(key.name)}`] : []),
  ]
}
