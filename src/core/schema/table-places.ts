/** A table, as far as it matters where it stands. */
interface Named {
  readonly namespace: string
  readonly name: string
}

/**
 * Where each table stands, by its name: a migration of ten thousand tables asks for each of them many times. An array of tables
 * never changes, and the next one of a migration has the same names in front, and perhaps one more.
 */
const places = new WeakMap<readonly Named[], Places>()

/** Of the first tables; those behind them are looked through. */
interface Places {
  readonly byName: ReadonlyMap<string, number>
  readonly count: number
}

const LOOKED_THROUGH_MAX = 100

/** The index of a table in an array, or -1. */
export function placeOf(of: Named, tables: readonly Named[]): number {
  const { byName, count } = placesIn(tables)
  const key = placeKey(of)
  const behind = () => tables.findIndex((table, at) => at >= count && placeKey(table) === key)
  return byName.get(key) ?? (count < tables.length ? behind() : -1)
}

/** The names of `to` are those of `from`, and all of its tables but the one at this place, or with that one behind them. */
export function keepPlaces(from: readonly Named[], to: readonly Named[], at: number): void {
  places.set(to, placesIn(from))
  changes.set(to, { from, at })
}

/** Where an array differs from the one that it was made from. Nobody asks twice: what was before is not kept for longer. */
const changes = new WeakMap<readonly Named[], { readonly from: readonly Named[]; readonly at: number }>()

/** Where two arrays may differ; undefined where that is not known. */
export function takeChanges(
  before: readonly Named[],
  after: readonly Named[],
): readonly number[] | undefined {
  const found = new Set<number>()
  for (let tables = after; tables !== before; ) {
    const change = changes.get(tables)
    if (change === undefined) return undefined
    changes.delete(tables)
    found.add(change.at)
    tables = change.from
  }
  return [...found].sort((a, b) => a - b)
}

function placesIn(tables: readonly Named[]): Places {
  const known = places.get(tables)
  if (known !== undefined && tables.length - known.count <= LOOKED_THROUGH_MAX) return known
  const found = {
    byName: new Map(tables.map((table, at) => [placeKey(table), at])),
    count: tables.length,
  }
  places.set(tables, found)
  return found
}

/** No name holds a zero byte. */
function placeKey({ namespace, name }: Named): string {
  return `${namespace}\0${name}`
}
