import { BellowsError } from '../../core/errors.ts'

/** PostgreSQL's limit of the columns that a query returns is 1,664. */
const ASKED_AT_ONCE_MAX = 1_000

/** Asks for many at once; where that fails, for each half apart, until it is known which ones are to blame. */
export async function eachApart<T, R>(
  asked: readonly T[],
  ask: (some: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly (R | BellowsError)[]> {
  if (asked.length === 0) return []
  const inHalves = async () => {
    const middle = Math.ceil(asked.length / 2)
    return [...(await eachApart(asked.slice(0, middle), ask)), ...(await eachApart(asked.slice(middle), ask))]
  }
  if (asked.length > ASKED_AT_ONCE_MAX) return inHalves()
  try {
    return await ask(asked)
  } catch (error) {
    if (!(error instanceof BellowsError) || error.code === 'connection_lost') throw error
    return asked.length === 1 ? [error] : inHalves()
  }
}
