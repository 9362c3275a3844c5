import { BellowsError, messageOf } from '../../core/errors.ts'
import type { Answer, Facts } from '../../core/schema/facts.ts'
import { join, lit, type Sql, sql } from '../../core/sql.ts'
import { answerMsOf } from './answer-time.ts'
import { eachApart } from './each-apart.ts'
import { isRightMissing } from './rights.ts'
import type { Sessions } from './sessions.ts'

/** Answers the questions of operations, in a transaction that cannot write: parts of them may be a user's. */
export async function readAnswers(sessions: Sessions, questions: readonly Sql[]): Promise<Facts['answers']> {
  const answers = await eachApart(questions, (some) => answersTo(sessions, some))
  return Object.fromEntries(
    questions.map((question, at): [string, Answer] => {
      const answer = answers[at] ?? []
      if (!(answer instanceof BellowsError)) return [question, answer]
      // It would be taken for the answer that nothing is there.
      if (isRightMissing(answer)) throw answer
      return [question, { problem: messageOf(answer) }]
    }),
  )
}

const ANSWER_TIMEOUT_MS = 10_000

async function answersTo(sessions: Sessions, questions: readonly Sql[]): Promise<readonly Answer[]> {
  const asked = questions.map(
    (question) => sql`select coalesce(pg_catalog.json_agg(r), '[]') as rows from (${question}\n) r`,
  )
  const begin = [sql`begin read only`, sql`set local statement_timeout = ${lit(`${ANSWER_TIMEOUT_MS}ms`)}`]
  try {
    const text = join([...begin, ...asked, sql`commit`], ';\n')
    const results = await sessions.send(text, answerMsOf(asked.length, ANSWER_TIMEOUT_MS))
    return results.slice(begin.length, -1).map(([row]) => row?.rows as Answer)
  } catch (error) {
    await sessions.send(sql`rollback`)
    throw error
  }
}
