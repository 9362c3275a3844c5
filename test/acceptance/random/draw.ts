import { randomOf } from '../../support/network/random.ts'

/** What is drawn by a seed: the same again for the same seed. */
export interface Draw {
  readonly chance: (share: number) => boolean
  /** From `least` to `most`, both included. */
  readonly number: (least: number, most: number) => number
  readonly one: <T>(of: readonly [T, ...T[]] | readonly T[]) => T
  /** A name that was not drawn before; some of them must be quoted. */
  readonly name: () => string
}

const NAMES = [
  'name',
  'Order',
  'select',
  'full name',
  'total',
  'größe',
  'x_y',
  'it"s',
  'kind',
  'Note',
  'user',
  'a',
]

export function drawing(seed: number): Draw {
  const random = randomOf(seed, 'migrations')
  let names = 0
  const number = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const one = <T>(of: readonly T[]): T => {
    const drawn = of[number(0, of.length - 1)]
    if (drawn === undefined) throw new Error('there is nothing to draw')
    return drawn
  }
  return {
    chance: (share) => random() < share,
    number,
    one,
    name: () => {
      names += 1
      return `${one(NAMES)}${names}`
    },
  }
}
