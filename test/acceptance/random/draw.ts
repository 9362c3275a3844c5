import { randomOf } from '../../support/network/random.ts'

/** What is drawn by a seed: the same again for the same seed. */
export interface Draw {
  readonly chance: (share: number) => boolean
  /** From `least` to `most`, both included. */
  readonly number: (least: number, most: number) => number
  readonly one: <T>(of: readonly [T, ...T[]] | readonly T[]) => T
  /** A name that was not drawn before; some of them must be quoted. */
  readonly name: () => string
  /** One that has room for more behind it. */
  readonly shortName: () => string
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

/** Some bytes are left for the number, and for what is put behind the name of a partition. */
const LONG = 'ist für PostgreSQL ein sehr langer Name, wie man'

export function drawing(seed: number): Draw {
  const random = randomOf(seed, 'migrations')
  let names = 0
  const number = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const one = <T>(of: readonly T[]): T => {
    const drawn = of[number(0, of.length - 1)]
    if (drawn === undefined) throw new Error('there is nothing to draw')
    return drawn
  }
  const shortName = (): string => {
    names += 1
    return `${one(NAMES)}${names}`
  }
  // So long that PostgreSQL cuts what it makes of it; the number in front tells it from others even then.
  const longName = (): string => {
    names += 1
    return `${names} ${LONG}`
  }
  return {
    chance: (share) => random() < share,
    number,
    one,
    name: () => (random() < 0.08 ? longName() : shortName()),
    shortName,
  }
}
