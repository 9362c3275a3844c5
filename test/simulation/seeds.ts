/**
 * The seeds of one share of a test: so many, or these. `SEEDS=10000` asks for another number of them, `SEEDS=500-600` for others, and `SEED=123` for the one that
 * failed, by which its world is lived through again step for step; `SEED=7,123` for several.
 */
export function seedsOf(
  share: number,
  shares: number,
  usually: number | readonly number[],
): readonly number[] {
  const { SEED, SEEDS } = process.env
  const usual = typeof usually === 'number' ? between(0, usually) : usually
  const all =
    SEED !== undefined ? SEED.split(',').map(Number) : SEEDS !== undefined ? asked(SEEDS.split('-')) : usual
  return all.filter((seed) => seed % shares === share)
}

/** So many, or from the first to the last. */
function asked([first = '', last]: readonly string[]): readonly number[] {
  return last === undefined ? between(0, Number(first)) : between(Number(first), Number(last) + 1)
}

function between(first: number, end: number): readonly number[] {
  return Array.from({ length: end - first }, (_, at) => first + at)
}

/** Whoever asks for thousands of large worlds waits for them. */
export const LONG = process.env.SEEDS === undefined ? {} : { timeout: 24 * 3_600_000 }
