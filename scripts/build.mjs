// Builds what is published: types, bundled code, and the SQL files where the code looks for them.
//   node scripts/build.mjs [folder]    into dist, when no folder is named
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const source = path.join(root, 'src')
const dist = path.resolve(root, process.argv[2] ?? 'dist')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')

// A published package carries dist already and installs no compiler.
if (!existsSync(tsc)) process.exit(0)

rmSync(dist, { recursive: true, force: true })
const typed = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', dist], {
  cwd: root,
  stdio: 'inherit',
})
if (typed.status !== 0) process.exit(typed.status ?? 1)
const { bundle } = await import('./bundle.mjs')
await bundle(source, dist)

for (const entry of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
  if (entry.endsWith('.sql')) cpSync(path.join(source, entry), path.join(dist, entry))
}
// npm makes it executable when it links the package, and not again after a later build.
chmodSync(path.join(dist, 'cli', 'main.js'), 0o755)
