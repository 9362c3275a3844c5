import { BellowsError, ERROR_CODES, type ErrorCode } from '../../core/errors.ts'

interface Meaning {
  readonly code: ErrorCode
  /** Did surely nothing happen, so that trying the same again can help? */
  readonly retryable: boolean
}

/** What a five-letter SQLSTATE means for a run. A state that is not here is a statement that failed and was rolled back. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '40001': { code: 'txn_conflict', retryable: true },
  '40P01': { code: 'txn_conflict', retryable: true },
  '55P03': { code: 'lock_not_had', retryable: true },
  // Our own, raised by the functions of journal.sql.
  BW001: { code: 'driver_lost', retryable: false },
  // The server ends our session: whether a COMMIT had come through before is unknown.
  '57P01': { code: 'connection_lost', retryable: false },
  '57P02': { code: 'connection_lost', retryable: false },
  '57P05': { code: 'connection_lost', retryable: false },
  '25P03': { code: 'connection_lost', retryable: false },
  '25P04': { code: 'statement_failed', retryable: true },
}

/** States that the functions of journal.sql raise with a code of ours as their detail. */
const WITH_CODE = new Set(['BW002', 'BW003'])

/** The fields of a server error that we use; `pg` gives them to its DatabaseError. */
interface ServerError {
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  readonly where?: string
}

export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
}

/**
 * Turns what the driver throws into a BellowsError. Without an answer of the server the outcome is doubtful:
 * `connection_lost`. With one it is definite, because a server that answers with an error has rolled back.
 */
export function toBellowsError(error: unknown): BellowsError {
  if (error instanceof BellowsError) return error
  if (!isServerError(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return new BellowsError('connection_lost', `The connection to the database was lost: ${message}.`, {
      cause: error,
      hint: 'Run the same command again: it reads what was done and goes on from there.',
    })
  }
  const facts = { sqlstate: error.code, ...(error.where === undefined ? {} : { where: error.where }) }
  return new BellowsError(codeOf(error), sentence(error.message), {
    cause: error,
    facts,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

function codeOf(error: ServerError): ErrorCode {
  const own = ERROR_CODES.find((code) => code === error.detail)
  if (WITH_CODE.has(error.code) && own !== undefined) return own
  return MEANINGS[error.code]?.code ?? 'statement_failed'
}

export function isRetryable(error: BellowsError): boolean {
  const state = error.facts.sqlstate
  return typeof state === 'string' && (MEANINGS[state]?.retryable ?? false)
}

function sentence(message: string): string {
  const text = message.trim()
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
