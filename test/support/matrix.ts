import { existsSync } from 'node:fs'
import path from 'node:path'

/** Binaries of the major that `BELLOWS_TEST_MAJOR` names, as scripts/matrix.mjs fetches them; absent: the packaged 18. */
export function matrixBinaries(): string | undefined {
  const major = process.env.BELLOWS_TEST_MAJOR
  if (major === undefined || major === '18') return undefined
  const folder = path.resolve(
    import.meta.dirname,
    `../../.cache/matrix/node_modules/postgres-${major}/native`,
  )
  if (!existsSync(folder))
    throw new Error(`PostgreSQL ${major} is not in ${folder}: run "npm run test:matrix"`)
  return folder
}
