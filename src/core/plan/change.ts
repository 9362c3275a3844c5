/** A change of the shape that applications see, or of its contents. Each makes a version. */
export type Change =
  | { readonly kind: 'added' | 'removed' | 'changed'; readonly column: string }
  | { readonly kind: 'copied'; readonly from: string; readonly to: string }
  | { readonly kind: 'reshaped'; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly kind: 'created' | 'dropped'; readonly table: string }
  | { readonly kind: 'renamed'; readonly from: string; readonly to: string }

/** The name of a version, as people see it in the history. */
export function versionName(change: Change): string {
  switch (change.kind) {
    case 'added':
      return `add_${change.column}_column`
    case 'copied':
      return `copy_${change.from}_to_${change.to}`
    case 'removed':
      return `remove_${change.column}_column`
    case 'changed':
      return `change_${change.column}_column`
    case 'reshaped':
      return `reshape_${change.from.join('_')}_to_${change.to.join('_')}`
    case 'created':
      return `create_${change.table}_table`
    case 'dropped':
      return `drop_${change.table}_table`
    case 'renamed':
      return `rename_${change.from}_to_${change.to}`
  }
}
