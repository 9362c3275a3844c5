import { messageOf } from '../../core/errors.ts'
import type { Answer, Facts } from '../../core/schema/facts.ts'
import { lit, type Sql, sql } from '../../core/sql.ts'
import { isRightMissing } from './rights.ts'
import type { Sessions } from './sessions.ts'

/** Answers the questions of operations, each in a transaction that cannot write: parts of them may be a user's. */
export async function readAnswers(sessions: Sessions, questions: readonly Sql[]): Promise<Facts['answers']> {
  const answers: Record<string, Answer> = {}
  for (const question of questions) answers[question] = await answerTo(sessions, question)
  return answers
}

const ANSWER_TIMEOUT_MS = 10_000

async function answerTo(sessions: Sessions, question: Sql): Promise<Answer> {
  try {
    const results = await sessions.send(sql`begin read only;
set local statement_timeout = ${lit(`${ANSWER_TIMEOUT_MS}ms`)};
select coalesce(pg_catalog.json_agg(r), '[]') as rows from (${question}\n) r;
commit`)
    return results[2]?.[0]?.rows as Answer
  } catch (error) {
    await sessions.send(sql`rollback`)
    // It would be taken for the answer that nothing is there.
    if (isRightMissing(error)) throw error
    return { problem: messageOf(error) }
  }
}
