/**
 * Numbers from 0 up to 1 that are the same for the same seed and name (mulberry32). Each link has its own, so that what
 * happens on one does not depend on how fast another is.
 */
export function randomOf(seed: number, name: string): () => number {
  let state = seed >>> 0
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
