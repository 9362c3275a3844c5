// Runs before `npm start` and `npm test`: installs what is missing and builds what is stale, so that both work on a
// fresh clone with nothing but Node.js and npm. Node built-ins only, because nothing else is there yet.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const minimum = [20, 19]
const [major, minor] = process.versions.node.split('.').map(Number)

if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
  console.error(`Bellows needs Node.js ${minimum.join('.')} or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

/** Runs a command with its output on stderr, so that the stdout of what follows stays its own. */
const run = (command, args) => {
  const ran = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (ran.status !== 0) {
    console.error(`"${command} ${args.join(' ')}" failed. Mend what it says above and run this again.`)
    process.exit(ran.status ?? 1)
  }
}

const modified = (file) => statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0

const newestSource = () =>
  Math.max(
    modified('tsconfig.build.json'),
    ...readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((file) =>
      modified(path.join('src', file)),
    ),
  )

const installed = existsSync(path.join(root, 'node_modules', '.package-lock.json'))
if (!installed || modified('package-lock.json') > modified('node_modules/.package-lock.json')) {
  run('npm', ['ci', '--no-audit', '--no-fund'])
}
if (newestSource() > modified('dist/cli/main.js')) run(process.execPath, ['scripts/build.mjs'])
