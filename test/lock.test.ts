import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

interface Locked {
  readonly resolved?: string
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const root = path.dirname(import.meta.dirname)
const examples = readdirSync(path.join(root, 'examples'))
  .map((name) => `examples/${name}/package-lock.json`)
  .filter((file) => existsSync(path.join(root, file)))

/**
 * `npm ci` refuses a lock file that leaves out a package of another platform, and `npm install` leaves them out by itself when it
 * found packages installed already: it goes unnoticed until somebody clones the repository.
 */
describe.each(['package-lock.json', 'test/matrix/package-lock.json', ...examples])('%s', (file) => {
  const lock: { packages: Readonly<Record<string, Locked>> } = JSON.parse(
    readFileSync(path.join(root, file), 'utf8'),
  )
  const packages = Object.entries(lock.packages)

  it('has the optional packages of every platform', () => {
    const missing = packages.flatMap(([name, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (one) => !(`node_modules/${one}` in lock.packages || `${name}/node_modules/${one}` in lock.packages),
      ),
    )
    expect(missing).toEqual([])
  })

  it('names no registry, so that it installs from whichever one is configured', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})
