import { readFileSync } from 'node:fs'
import { BellowsError } from '../../../core/errors.ts'

const TAIL_LINES = 20

/** An `embedded_failed` that ends with what the program said last. */
export function programFailed(program: string, outcome: string, log: string): BellowsError {
  const message = `${program} failed (${outcome}). The end of its log:\n${logTail(log)}`
  return new BellowsError('embedded_failed', message, {
    hint: 'Mend what the log says, or use a server of your own: --database postgres://user@host/database',
  })
}

export function logTail(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
  } catch {
    return '(there is none)'
  }
}
