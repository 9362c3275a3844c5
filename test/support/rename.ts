import type { RenameColumn } from '../../src/core/operations/rename/rename.ts'

/** The rename that most tests are about, of public.users. */
export const rename = (more: Partial<RenameColumn> = {}): RenameColumn => ({
  kind: 'rename_column',
  namespace: 'public',
  table: 'users',
  from: 'name',
  to: 'full_name',
  ...more,
})
