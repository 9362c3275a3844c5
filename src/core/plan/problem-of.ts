/**
 * Why what a person wrote cannot be used: what the parser says of it, or else what the server said. Nothing where both take it.
 *
 * @param unasked what to say where the server was not asked
 */
export function problemOf(
  read: string | object,
  known: object | undefined,
  unasked?: string,
): string | undefined {
  return problemIn(read) ?? (known === undefined ? unasked : problemIn(known))
}

/** What the server says ends with a stop, what the parser says does not. */
export function stopped(problem: string): string {
  return /[.!?]$/.test(problem) ? problem : `${problem}.`
}

function problemIn(answer: string | object): string | undefined {
  return typeof answer === 'object' && 'problem' in answer ? String(answer.problem) : undefined
}
