// The peer, built from its own source into a temporary folder where Go is on the machine.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const MODULE = 'github.com/xataio/pgroll'
const VERSION = 'v0.16.2'
const folder = path.join(tmpdir(), `bellows-bench-pgroll-${VERSION}`)
const program = path.join(folder, 'pgroll')

/** The program, or why there is none. */
export function pgroll() {
  if (existsSync(program)) return { program }
  if (spawnSync('go', ['version']).status !== 0) return { why: 'Go is not on this machine' }
  mkdirSync(folder, { recursive: true })
  // A module of our own that needs it: `go install` also asks which other versions there are, which not every proxy says.
  writeFileSync(path.join(folder, 'go.mod'), `module bench\n\ngo 1.24\n\nrequire ${MODULE} ${VERSION}\n`)
  writeFileSync(path.join(folder, 'tools.go'), `//go:build tools\n\npackage bench\n\nimport _ "${MODULE}"\n`)
  console.error(`building pgroll ${VERSION}, which takes some minutes`)
  const built = spawnSync('go', ['build', '-mod=mod', '-o', program, MODULE], { cwd: folder })
  return built.status === 0 ? { program } : { why: `it could not be built: ${lastLine(built.stderr)}` }
}

const lastLine = (text) => String(text).trim().split('\n').at(-1)

const MIGRATION = JSON.stringify({
  operations: [
    {
      add_column: { table: 'users', up: 'name', column: { name: 'full_name', type: 'text', nullable: true } },
    },
  ],
})

/** Adds the column and fills it; what it does before and after that takes no time that would show. */
export async function filledByPgroll(url, options) {
  const file = path.join(folder, 'full_name.json')
  writeFileSync(file, MIGRATION)
  const address = addressOf(url)
  const run = promisify(execFile)
  await run(program, ['init', '--postgres-url', address])
  await run(program, ['baseline', 'start', path.join(folder, 'baseline'), '--yes', '--postgres-url', address])
  return () => run(program, ['start', file, '--postgres-url', address, ...options])
}

/** A socket is the host itself to this driver, and an address beside it would be taken instead. */
function addressOf(url) {
  const { username, pathname, searchParams, href } = new URL(url)
  const socket = searchParams.get('host')
  return socket === null
    ? `${href}?sslmode=disable`
    : `postgres://${username}@${pathname}?host=${encodeURIComponent(socket)}&sslmode=disable`
}
