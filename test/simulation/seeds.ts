/**
 * The seeds of one share of a test. `SEEDS=10000` asks for another number of them, and `SEED=123` for the one that failed, by
 * which its world is lived through again step for step.
 */
export function seedsOf(share: number, shares: number, usually: number): readonly number[] {
  const { SEED, SEEDS = usually } = process.env
  const all = SEED === undefined ? Array.from({ length: Number(SEEDS) }, (_, at) => at) : [Number(SEED)]
  return all.filter((seed) => seed % shares === share)
}
