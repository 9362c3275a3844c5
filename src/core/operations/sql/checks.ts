import { assert, BellowsError } from '../../errors.ts'
import { readQuery } from '../../parse.ts'
import { notOwned, refused } from '../../plan/table-checks.ts'
import { findTable, isSameName, type Schema } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { forbidden, unsafe } from '../../statements/lint.ts'
import type { Setting } from '../../statements/rule.ts'
import { readStatements } from '../../statements/statement.ts'
import { locksOf } from '../../statements/statement-locks.ts'
import type { Context } from '../operation.ts'
import { knownSettingsOf } from './known.ts'
import { probeOf, probeQuestion } from './probe.ts'
import { type RunSql, relationsOf, upOf } from './run-sql.ts'

/** Every problem of the texts, of the way back, of what the statements do, and of what they do it to. */
export function sqlProblems(op: RunSql, context: Context): readonly BellowsError[] {
  const problems = [...textProblems(op), ...wayBackProblems(op)]
  if (problems.length > 0) return problems
  return [
    ...lintProblems(op, context),
    ...relationProblems(op, context.schema),
    ...probeProblems(op, context),
  ]
}

function textProblems(op: RunSql): readonly BellowsError[] {
  const texts = [
    ['up', readStatements(op.up)],
    ['down', op.down === undefined ? [] : readStatements(op.down)],
    ['probe', op.probe === undefined ? '' : readQuery(op.probe)],
  ] as const
  return texts.flatMap(([field, read]) =>
    typeof read === 'object' && 'problem' in read
      ? [new BellowsError('migration_invalid', `The "${field}" of sql cannot be used: ${read.problem}.`)]
      : [],
  )
}

function wayBackProblems({ phase, down, irreversible }: RunSql): readonly BellowsError[] {
  const problem = (message: string, hint: string) => [
    new BellowsError('migration_invalid', message, { hint }),
  ]
  if (phase === 'contract' && (down !== undefined || irreversible !== undefined))
    return problem(
      'sql in the contract has a way back that would never be gone.',
      'Leave "down" and "irreversible" out: it runs in the purge, and everything before that can be taken back.',
    )
  if (phase === 'contract' || (down === undefined) !== (irreversible === undefined)) return []
  return problem(
    down === undefined ? 'sql has no way back.' : 'sql has both "down" and "irreversible".',
    'Write "down", or "irreversible" with the reason why what it did may stay after a rollback.',
  )
}

function lintProblems(op: RunSql, context: Context): readonly BellowsError[] {
  const settings = knownSettingsOf(op, context)
  const told = (part: Setting['part'], at: number) =>
    `Statement ${at} of "${part === 'down' ? 'down' : 'up'}"`
  const never = settings.flatMap((setting) =>
    forbidden(setting).map(({ rule, at }) =>
      refused(`${told(setting.part, at)} ${rule.what}, but ${rule.why}.`, rule.instead),
    ),
  )
  if (never.length > 0) return never
  const found = settings.flatMap((setting) =>
    unsafe(setting).map(({ rule, at }) =>
      refused(
        `${told(setting.part, at)} ${rule.what}: ${rule.why}.`,
        `${rule.instead} If it hurts nobody here, say why: unsafe: "<reason>".`,
      ),
    ),
  )
  if (op.unsafe === undefined) return found
  if (found.length > 0) return []
  return [
    new BellowsError('migration_invalid', 'sql gives a reason for something unsafe, but nothing in it is.', {
      hint: 'Leave "unsafe" out: it would cover what somebody adds later.',
    }),
  ]
}

function relationProblems(op: RunSql, schema: Schema): readonly BellowsError[] {
  const locks = locksOf(upOf(op), op.namespace)
  return relationsOf(op).flatMap((relation) => {
    const name = `${shown(relation.namespace)}.${shown(relation.name)}`
    const found = findTable(schema, relation)
    if (found === undefined)
      return [
        new BellowsError('table_not_found', `sql names ${name}, which is not there.`, {
          hint: 'Check the spelling and the namespace: names without one are of the "namespace" of the operation.',
        }),
      ]
    const level = locks.find((lock) => isSameName(lock.relation, relation))?.level
    if (level !== 'access_exclusive' || found.owned) return []
    return [notOwned(name, `table ${name}`)]
  })
}

function probeProblems(op: RunSql, { facts }: Context): readonly BellowsError[] {
  const probe = probeOf(op)
  if (probe === undefined)
    return [
      new BellowsError('migration_invalid', 'sql does not tell by its form whether it is done.', {
        hint: 'Write "probe": a boolean expression on the catalog that is true when "up" is done, and false before.',
      }),
    ]
  const answer = facts.answers[probeQuestion(probe)]
  assert(answer !== undefined, 'what an operation asks is answered')
  if ('problem' in answer)
    return [
      new BellowsError(
        'migration_invalid',
        `The "probe" of sql cannot be used: ${answer.problem.replace(/\.$/, '')}.`,
        {
          hint: 'It is evaluated without a search_path: write every name with its namespace.',
        },
      ),
    ]
  if (answer[0]?.holds !== true || op.down === undefined) return []
  return [
    refused(
      'What sql is to do is done already, by its probe; a rollback would take it from whoever did it.',
      'Take the operation out of the migration, or write a probe that is false now.',
    ),
  ]
}
