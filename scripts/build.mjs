// Compiles src to dist and copies the SQL files beside the compiled code. Node built-ins only; `tsc` comes from node_modules.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')

// A published package carries dist already and installs no compiler.
if (!existsSync(tsc)) process.exit(0)

rmSync(path.join(root, 'dist'), { recursive: true, force: true })
const built = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)

for (const entry of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (entry.endsWith('.sql')) cpSync(path.join(root, 'src', entry), path.join(root, 'dist', entry))
}
// npm makes it executable when it links the package, and not again after a later build.
chmodSync(path.join(root, 'dist', 'cli', 'main.js'), 0o755)
