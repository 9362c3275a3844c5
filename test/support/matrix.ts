import { existsSync } from 'node:fs'
import path from 'node:path'

/** All that the tests meet. */
export const MAJORS = ['14', '15', '16', '17', '18'] as const

/** The major that comes with the package. */
const PACKAGED = '18'

/** The major that the tests are to meet. */
export function matrixMajor(): string {
  return process.env.BELLOWS_TEST_MAJOR ?? PACKAGED
}

/** Its binaries, as scripts/matrix.mjs fetches them; absent for the packaged one. */
export function matrixBinaries(): string | undefined {
  const major = matrixMajor()
  if (major === PACKAGED) return undefined
  const folder = path.resolve(
    import.meta.dirname,
    `../../.cache/matrix/node_modules/postgres-${major}/native`,
  )
  if (!existsSync(folder))
    throw new Error(`PostgreSQL ${major} is not in ${folder}: run "npm run test:matrix"`)
  return folder
}
