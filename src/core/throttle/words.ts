/** Figures as people read them. */
export function seconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`
  return `${Math.round(ms / 60_000)} min`
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']

/** In the units that PostgreSQL itself prints, of 1024 each: `pg_size_pretty`. */
export function bytesText(count: number): string {
  let [value, unit] = [count, 0]
  while (value >= 1_024 && unit < UNITS.length - 1) [value, unit] = [value / 1_024, unit + 1]
  return `${Number(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${UNITS[unit]}`
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
