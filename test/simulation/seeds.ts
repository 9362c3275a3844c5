/**
 * The seeds of one share of a test: so many, or these. `SEEDS=10000` asks for another number of them, and `SEED=123` for the one that failed, by
 * which its world is lived through again step for step.
 */
export function seedsOf(
  share: number,
  shares: number,
  usually: number | readonly number[],
): readonly number[] {
  const { SEED, SEEDS } = process.env
  const first = (count: number) => Array.from({ length: count }, (_, at) => at)
  const usual = typeof usually === 'number' ? first(usually) : usually
  const all = SEED !== undefined ? [Number(SEED)] : SEEDS !== undefined ? first(Number(SEEDS)) : usual
  return all.filter((seed) => seed % shares === share)
}

/** Whoever asks for thousands of large worlds waits for them. */
export const LONG = process.env.SEEDS === undefined ? {} : { timeout: 24 * 3_600_000 }
