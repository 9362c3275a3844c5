import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../src/core/errors.ts'
import { OPERATION_KINDS } from '../src/core/operations/index.ts'

/** The style of the house, as far as a test can keep it. Sizes of functions and numbers of parameters are kept by the linter. */
const ROOT = path.resolve(import.meta.dirname, '..')
const FILE_LINES_MAX = 250

const files = (folder: string, ending = '.ts'): string[] =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(folder, file))
    .filter((file) => file.endsWith(ending))
    .sort()

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8')

/** The source without comments and string contents, so that words in them do not count. */
const code = (file: string): string =>
  read(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/'(?:\\.|[^'\\\n])*'/g, "''")

const SOURCES = files('src')

interface Import {
  readonly from: string
  /** A file of src, or the name of a package. */
  readonly to: string
}

const IMPORTS: readonly Import[] = SOURCES.flatMap((from) =>
  [
    ...read(from).matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)|^import '([^']+)'/g,
    ),
  ]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .map((to) => ({ from, to: to.startsWith('.') ? path.join(path.dirname(from), to) : to })),
)

const isIn = (file: string, ...folders: string[]): boolean =>
  folders.some((folder) => file === folder || file.startsWith(`${folder}/`))

/** Which files a layer may import, and which packages. */
const LAYERS: readonly {
  readonly layer: string
  readonly may: (to: string, from: string) => boolean
}[] = [
  {
    layer: 'src/core',
    may: (to, from) => isIn(to, 'src/core') || CORE_PACKAGES[from]?.includes(to) === true,
  },
  { layer: 'src/engine', may: (to) => isIn(to, 'src/core', 'src/engine') },
  {
    layer: 'src/adapters',
    may: (to, from) =>
      isIn(to, 'src/core', 'src/engine/ports.ts', 'src/adapters/os', adapterOf(from)) ||
      !to.startsWith('src/'),
  },
  // What adapters share is no adapter: it stands below them.
  {
    layer: 'src/adapters/os',
    may: (to) => isIn(to, 'src/core', 'src/adapters/os') || !to.startsWith('src/'),
  },
  {
    layer: 'src/cli',
    may: (to) =>
      isIn(to, 'src/cli', 'src/index.ts', 'src/config.ts', 'src/node/serve.ts') || !to.startsWith('src/'),
  },
  {
    layer: 'src/node',
    may: (to) => isIn(to, 'src/node', 'src/index.ts', 'src/config.ts') || !to.startsWith('src/'),
  },
  { layer: 'src/app', may: (to) => isIn(to, 'src/app') || !to.startsWith('src/') },
]

/** The pure packages that core may use, each through one file. */
const CORE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/core/parse.ts': ['libpg-query', 'pgsql-deparser', '@pgsql/types'],
  'src/core/hash.ts': ['@noble/hashes/sha2.js', '@noble/hashes/utils.js'],
}

const adapterOf = (file: string): string => file.split('/').slice(0, 3).join('/')

describe('imports', () => {
  test.for(LAYERS)('$layer imports only what lies below it', ({ layer, may }) => {
    const wrong = IMPORTS.filter(({ from, to }) => isIn(from, layer) && !may(to, from))
    expect(wrong).toEqual([])
  })

  test('only compose joins the engine to adapters, and only index imports compose', () => {
    const joined = IMPORTS.filter(({ from, to }) => !isIn(from, 'src/adapters') && isIn(to, 'src/adapters'))
    expect(new Set(joined.map(({ from }) => from))).toEqual(new Set(['src/compose.ts', 'src/index.ts']))
    expect(IMPORTS.filter(({ to }) => to === 'src/compose.ts').map(({ from }) => from)).toEqual([
      'src/index.ts',
    ])
  })

  test('no file imports itself by a detour, not even a type', () => {
    const below = new Map(
      SOURCES.map((file) => [file, IMPORTS.filter(({ from }) => from === file).map(({ to }) => to)]),
    )
    const reachedFrom = (start: string): ReadonlySet<string> => {
      const reached = new Set(below.get(start))
      for (const file of reached) for (const to of below.get(file) ?? []) reached.add(to)
      return reached
    }
    expect(SOURCES.filter((file) => reachedFrom(file).has(file))).toEqual([])
  })

  test('no file of src is left that nothing reaches', () => {
    const entries = [
      'src/index.ts',
      'src/cli/main.ts',
      'src/app/announce.ts',
      // Named in the environment of processes.
      'src/cli/demo/leashed.ts',
    ]
    const reached = new Set(entries)
    for (const file of reached) for (const { from, to } of IMPORTS) if (from === file) reached.add(to)
    expect(SOURCES.filter((file) => !reached.has(file))).toEqual([])
  })
})

describe('core is pure', () => {
  const IMPURE =
    /\bDate\b|\bMath\.random\b|\basync\b|\bawait\b|\bprocess\b|\bconsole\b|\bset(?:Timeout|Interval)\b/

  test.for(files('src/core'))('%s touches nothing outside', (file) => {
    expect(IMPURE.exec(code(file))?.[0]).toBeUndefined()
  })

  test.for(files('src/engine'))('%s waits and tells the time only through its ports', (file) => {
    expect(
      /\bconsole\b|\bprocess\.|\bset(?:Timeout|Interval)\b|\bDate\b|\bMath\.random\b/.exec(code(file))?.[0],
    ).toBeUndefined()
  })
})

describe('size and words', () => {
  test.for(SOURCES)(`%s has at most ${FILE_LINES_MAX} lines`, (file) => {
    expect(read(file).split('\n').length).toBeLessThanOrEqual(FILE_LINES_MAX + 1)
  })

  test.for(SOURCES)('%s keeps to the glossary', (file) => {
    const banned =
      /\b\w*(?:[mM]anager|[hH]elper|[uU]tils?)\b|\b(?:const|let|function) (?:data|info)\b|\bfunction do[A-Z]\w*/
    expect(banned.exec(code(file))?.[0]).toBeUndefined()
    expect(/\b(?:TODO|FIXME|XXX)\b/.exec(read(file))?.[0]).toBeUndefined()
  })
})

describe('tests', () => {
  test('end no session of a database that is not their own: they run side by side on one server', () => {
    const ending = /pg_(?:cancel|terminate)_backend\((?:\w+\.)?pid\)[^`]*`/g
    const found = files('test').flatMap((file) =>
      [...read(file).matchAll(ending)].map(([text]) => ({ file, text })),
    )
    expect(found.length).toBeGreaterThan(0)
    expect(found.filter(({ text }) => !text.includes('datname'))).toEqual([])
  })
})

describe('every operation', () => {
  test.for(OPERATION_KINDS)('%s has its file, its tests, its page and an example', (kind) => {
    const name = kind.replaceAll('_', '-')
    expect(existsSync(path.join(ROOT, `src/core/operations/${name}.ts`)), 'source').toBe(true)
    expect(existsSync(path.join(ROOT, `test/core/operations/${name}.test.ts`)), 'unit test').toBe(true)
    expect(existsSync(path.join(ROOT, `test/acceptance/${name}.test.ts`)), 'acceptance test').toBe(true)
    expect(existsSync(path.join(ROOT, `docs/operations/${name}.md`)), 'page').toBe(true)
    const examples = files('examples/migrations', '.yaml').map(read)
    expect(
      examples.some((text) => text.includes(`${kind}:`)),
      'example',
    ).toBe(true)
  })

  test.for(OPERATION_KINDS)('%s tells its story in six fields, in this order', (kind) => {
    const text = read(`src/core/operations/${kind.replaceAll('_', '-')}.ts`)
    const fields = [...text.matchAll(/^ {2}(check|apply|expand|backfill|contract|rollback):/gm)].map(
      (match) => match[1],
    )
    expect(fields).toEqual(['check', 'apply', 'expand', 'backfill', 'contract', 'rollback'])
  })
})

describe('error codes', () => {
  const sections = [...read('docs/errors.md').matchAll(/^### `(\w+)`$/gm)].map((match) => match[1])
  const tests = files('test').map(read).join('\n')

  test('have a section each in docs/errors.md, and nothing else has', () => {
    expect(new Set(sections)).toEqual(new Set(ERROR_CODES))
    expect(sections).toHaveLength(ERROR_CODES.length)
  })

  test.for(ERROR_CODES)('%s is seen by a test', (name) => {
    expect(new RegExp(`\\b${name}\\b`).test(tests)).toBe(true)
  })
})

test('the public exports are those that the list says', () => {
  const exported = [...read('src/index.ts').matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap((match) =>
    (match[1] ?? '').split(',').map((name) => name.replace(/^\s*type\s+/, '').trim()),
  )
  expect(exported.filter((name) => name !== '').toSorted()).toMatchSnapshot()
})
