import { createInterface } from 'node:readline/promises'
import { BellowsError } from '../index.ts'

/** Asks before something that cannot be taken back. Where nobody can answer, the answer must have come with the command. */
export async function confirmed(
  question: string,
  expected: string,
  given: string | undefined,
): Promise<void> {
  if (given === expected) return
  if (given === undefined && process.stdin.isTTY && process.stderr.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const answer = await terminal.question(`${question}\nType "${expected}" to go on: `)
    terminal.close()
    if (answer.trim() === expected) return
  }
  throw new BellowsError(
    'config_invalid',
    given === undefined ? 'This needs a confirmation.' : `"${given}" is not "${expected}".`,
    {
      hint: `${question} To go on, add --confirm ${expected}`,
    },
  )
}

/** Asks before something that can be set right, but not unseen. */
export async function agreed(question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (process.stdin.isTTY && process.stderr.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const answer = await terminal.question(`${question} Go on? [y/N] `)
    terminal.close()
    if (/^y(es)?$/i.test(answer.trim())) return
  }
  throw new BellowsError('config_invalid', 'This needs a confirmation.', {
    hint: `${question} To go on, add --yes`,
  })
}
