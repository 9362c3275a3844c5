// Looks at what `npm pack` would publish: everything that a user needs, and nothing that only we need.
import { execFileSync } from 'node:child_process'

const [{ files }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }),
)
const names = new Set(files.map(({ path }) => path))

const NEEDED = [
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/app/announce.js',
  'dist/app/announce.d.ts',
  'dist/cli/main.js',
  'dist/cli/demo/leashed.js',
  'dist/adapters/postgres/journal.sql',
  'dist/adapters/postgres/evidence.sql',
  'dist/adapters/postgres/rollout.sql',
  'dist/adapters/postgres/introspect.sql',
  'docs/errors.md',
  'examples/service.mjs',
  'examples/http-app/server.mjs',
  'examples/prisma/name.prisma',
]
const FORBIDDEN =
  /^(src|test|bench|scripts|\.ci|\.cache)\/|\/(node_modules|generated)\/|\.test\.|tsconfig|\.map$/

const missing = NEEDED.filter((name) => !names.has(name))
const surplus = [...names].filter((name) => FORBIDDEN.test(name))
for (const name of missing) console.error(`missing in the package: ${name}`)
for (const name of surplus) console.error(`must not be in the package: ${name}`)
console.log(`${names.size} files in the package`)
process.exit(missing.length + surplus.length === 0 ? 0 : 1)
