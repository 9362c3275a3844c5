import type { Facts } from '../../schema/facts.ts'
import { isSameName, type QualifiedName } from '../../schema/model.ts'
import { regclass, type Sql, sql } from '../../sql.ts'
import { nameOf, partsOf, relationName } from '../../statements/statement.ts'
import { type RunSql, settingsOf } from './run-sql.ts'

/** The table of each index that the statements drop: the lock is taken on that as well, and only the server or `up` names it. */
export function tableOfIndex(op: RunSql, facts: Facts, index: QualifiedName): QualifiedName | undefined {
  const made = settingsOf(op)
    .flatMap(({ statements }) => statements)
    .flatMap((one) => ('IndexStmt' in one ? [one.IndexStmt] : []))
    .map(({ idxname = '', relation }) => ({ name: idxname, table: relationName(relation, op.namespace) }))
    .find(({ name, table }) => isSameName({ namespace: table.namespace, name }, index))
  const answer = facts.answers[indexQuestion(index)]
  const [row] = answer === undefined || 'problem' in answer ? [] : answer
  return made?.table ?? (row as unknown as QualifiedName | undefined)
}

export function indexQuestions(op: RunSql): readonly Sql[] {
  return settingsOf(op)
    .flatMap(({ statements }) => statements)
    .flatMap((one) =>
      'DropStmt' in one && one.DropStmt.removeType === 'OBJECT_INDEX' ? (one.DropStmt.objects ?? []) : [],
    )
    .map((object) => indexQuestion(nameOf(partsOf(object), op.namespace)))
}

function indexQuestion(index: QualifiedName): Sql {
  return sql`select n.nspname as namespace, c.relname as name from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace where i.indexrelid = ${regclass(index)}`
}
