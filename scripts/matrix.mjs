// Runs the tests that meet a server on PostgreSQL 14 to 18. Node built-ins only.
//   npm run test:matrix                     the acceptance tests on all of them
//   npm run test:matrix -- 14 15            on these
//   npm run test:matrix -- 14 test/faults   other tests
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const folder = path.join(root, '.cache', 'matrix')
const ALL = ['14', '15', '16', '17', '18']

const isMajor = (argument) => ALL.includes(argument)
const majors = process.argv.slice(2).filter(isMajor)
const tests = process.argv.slice(2).filter((argument) => !isMajor(argument))

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error(
    'The matrix is pinned for linux-x64; elsewhere the tests run on the packaged PostgreSQL 18 alone.',
  )
  process.exit(0)
}

// For whoever counts: where the report of the run goes.
const report = process.env.VITEST_JSON
const reporters =
  report === undefined ? [] : ['--reporter=default', '--reporter=json', `--outputFile=${report}`]

const run = (command, args, more = {}) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', ...more, env: { ...process.env, ...more.env } })
    .status ?? 1

/** Installs the servers once; again when their list has changed. */
const fetchServers = () => {
  const lock = path.join(folder, 'package-lock.json')
  const wanted = path.join(root, 'test', 'matrix', 'package-lock.json')
  const isFresh =
    existsSync(lock) &&
    existsSync(path.join(folder, 'node_modules')) &&
    statSync(lock).mtimeMs >= statSync(wanted).mtimeMs
  if (isFresh) return 0
  mkdirSync(folder, { recursive: true })
  for (const file of ['package.json', 'package-lock.json'])
    cpSync(path.join(root, 'test', 'matrix', file), path.join(folder, file))
  return run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
}

if (fetchServers() !== 0) process.exit(1)
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
let failed = 0
for (const major of majors.length > 0 ? majors : ALL) {
  console.log(`\nPostgreSQL ${major}`)
  failed += run(
    process.execPath,
    [vitest, 'run', ...reporters, ...(tests.length > 0 ? tests : ['test/acceptance'])],
    {
      env: { BELLOWS_TEST_MAJOR: major },
    },
  )
}
process.exit(failed === 0 ? 0 : 1)
