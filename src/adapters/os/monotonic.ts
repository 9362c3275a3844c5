/**
 * Milliseconds by a clock that does not jump. All processes of a machine have the same one until it is started again, so what one
 * of them wrote down the next one can reckon with.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
