/** The two patch types that a client of ours may send, as far as it sends them. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Fields = Readonly<Record<string, unknown>>

/** Lists of these are merged by the names of their items; all others are replaced. */
const MERGED_BY_NAME = ['containers', 'env']

export function strategicMerge(base: unknown, patch: unknown, key = ''): unknown {
  if (Array.isArray(patch)) {
    if (!Array.isArray(base) || !MERGED_BY_NAME.includes(key)) return patch
    const named = (items: readonly unknown[], name: unknown) =>
      items.find((item) => (item as Fields).name === name)
    const changed = base.map((item: Fields) => {
      const change = named(patch, item.name)
      return change === undefined ? item : strategicMerge(item, change)
    })
    return [...changed, ...patch.filter((item: Fields) => named(base, item.name) === undefined)]
  }
  if (patch === null || typeof patch !== 'object') return patch
  const merged: Record<string, unknown> = { ...(isFields(base) ? base : {}) }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = strategicMerge(merged[name], value, name)
  }
  return merged
}

export interface Operation {
  readonly op: 'test' | 'replace' | 'add' | 'remove'
  readonly path: string
  readonly value?: unknown
}

/** @returns undefined when a test fails */
export function jsonPatch(base: unknown, operations: readonly Operation[]): unknown {
  const result = structuredClone(base)
  for (const { op, path, value } of operations) {
    const keys = path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() ?? ''
    const parent = keys.reduce<unknown>((at, key) => (at as Fields)[key], result) as Record<string, unknown>
    if (op === 'test') {
      if (JSON.stringify(parent[last]) !== JSON.stringify(value)) return undefined
    } else if (op === 'remove') delete parent[last]
    else parent[last] = value
  }
  return result
}

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
