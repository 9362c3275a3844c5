/** The name that was probably meant: the nearest by edits, if it is near enough for a slip. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const far = Math.max(1, Math.floor(name.length / 3))
  const near = known
    .map((one) => ({ one, edits: editsBetween(name.toLowerCase(), one.toLowerCase()) }))
    .filter(({ edits }) => edits <= far)
    .sort((a, b) => a.edits - b.edits)
  return near[0]?.one
}

/** How many letters to insert, delete, replace or swap with their neighbour. */
function editsBetween(a: string, b: string): number {
  let [twoBack, last]: [readonly number[], readonly number[]] = [[], range(b.length + 1)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(twoBack, j - 2) + 1 : Infinity
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped))
    }
    twoBack = last
    last = row
  }
  return at(last, b.length)
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_one, at) => at)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
