import { BellowsError, ERROR_CODES, type ErrorCode, messageOf } from '../../core/errors.ts'

/** What a five-letter SQLSTATE means for a run. A state that is not here is a statement that failed and was rolled back. */
const MEANINGS: Readonly<Record<string, ErrorCode>> = {
  '40001': 'txn_conflict',
  '40P01': 'txn_conflict',
  '55P03': 'lock_not_had',
  // Our own, raised by the functions of journal.sql.
  BW001: 'driver_lost',
  // The server ends our session: whether a COMMIT had come through before is unknown.
  '57P01': 'connection_lost',
  '57P02': 'connection_lost',
  '57P04': 'connection_lost',
  '57P05': 'connection_lost',
  '25P03': 'connection_lost',
  '25P04': 'connection_lost',
  '2BP01': 'dependents_found',
}

/** States that the functions of journal.sql raise with a code of ours as their detail. */
const OURS = new Set(['BW002', 'BW003'])

/** The fields of a server error that we use; `pg` gives them to its DatabaseError. */
interface ServerError {
  /** In the language of the server. */
  readonly severity?: string
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
    return new BellowsError(
      'connection_lost',
      `The connection to the database was lost: ${messageOf(error)}.`,
      {
        cause: error,
        hint: 'Run the same command again: it reads what was done and goes on from there.',
      },
    )
  }
  return new BellowsError(codeOf(error), toldOf(error), {
    cause: error,
    sqlstate: error.code,
    ...(error.where === undefined ? {} : { facts: { where: error.where } }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

/** Whatever the state: after these the session is over. In most languages they are called so; the states above are the usual ones. */
const ENDING: readonly unknown[] = ['FATAL', 'PANIC']

function codeOf(error: ServerError): ErrorCode {
  if (ENDING.includes(error.severity)) return 'connection_lost'
  const own = ERROR_CODES.find((code) => code === error.detail)
  if (OURS.has(error.code) && own !== undefined) return own
  return MEANINGS[error.code] ?? 'statement_failed'
}

/** States whose detail names a key and nothing more of a row: that of a duplicate, and of one without a partner. */
const NAMING_KEYS = new Set(['23503', '23505', '23P01'])

function toldOf({ code, message, detail }: ServerError): string {
  const more = NAMING_KEYS.has(code) && detail !== undefined && detail !== '' ? ` ${sentence(detail)}` : ''
  return `${sentence(message)}${more}`
}

/** PostgreSQL's messages begin small and have no end. What begins with a name, such as `users.name`, stays as it is. */
function sentence(message: string): string {
  const text = message.trim()
  const begun = /^\p{Ll}+(?:[ ,]|[.!?]?$)/u.test(text)
    ? `${text.charAt(0).toUpperCase()}${text.slice(1)}`
    : text
  return `${begun}${/[.!?]$/.test(text) ? '' : '.'}`
}
