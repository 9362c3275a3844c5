const SHOWN = 10

/** The first lines of many, and how many more there are: a large fleet would scroll everything else away. */
export function shortList(lines: readonly string[], rest = ''): readonly string[] {
  const more = lines.length - SHOWN
  return more <= 0 ? lines : [...lines.slice(0, SHOWN), `and ${more} more${rest}`]
}
