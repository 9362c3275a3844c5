import { describe, expect, test } from 'vitest'
import {
  type ConfigSources,
  configFrom,
  DEFAULT_SETTINGS,
  mergedSettings,
  type SettingsChange,
} from '../src/config.ts'
import { thrownBy } from './support/model.ts'

const sources = (more: Partial<ConfigSources> = {}): ConfigSources => ({
  flags: {},
  env: {},
  file: {},
  ...more,
})
const FLAG = 'postgres://flag/db'
const DIRECT = 'postgres://direct/db'
const URL = 'postgres://url/db'
const FILE = 'postgres://file/db'

describe("the application's own URL", () => {
  const both = { DIRECT_URL: DIRECT, DATABASE_URL: URL }

  test.each<[string, Partial<ConfigSources>, string | undefined]>([
    ['the flag before all', { flags: { appUrl: FLAG }, env: both, file: { appUrl: FILE } }, FLAG],
    ['the file before the variables', { env: both, file: { appUrl: FILE } }, FILE],
    ['DATABASE_URL, where Bellows has DIRECT_URL', { env: both }, URL],
    ['nowhere, when DATABASE_URL is what Bellows connects with', { env: { DATABASE_URL: URL } }, undefined],
    ['nowhere, when Bellows works on what a flag says', { flags: { database: FLAG }, env: both }, undefined],
    [
      'nowhere, when DATABASE_URL is for something else',
      { env: { ...both, DATABASE_URL: 'prisma://accelerate' } },
      undefined,
    ],
  ])('comes from: %s', (_what, more, appUrl) => {
    expect(configFrom(sources(more)).appUrl).toBe(appUrl)
  })
})

describe('the database', () => {
  const everything = { DIRECT_URL: DIRECT, DATABASE_URL: URL, PGHOST: 'pg' }

  test.each<[string, Partial<ConfigSources>, string | undefined]>([
    ['the flag before all', { flags: { database: FLAG }, env: everything, file: { database: FILE } }, FLAG],
    ['DIRECT_URL before the other variables', { env: everything, file: { database: FILE } }, DIRECT],
    [
      'DATABASE_URL before libpq',
      { env: { DATABASE_URL: URL, PGHOST: 'pg' }, file: { database: FILE } },
      URL,
    ],
    ["libpq's own variables before the file", { env: { PGHOST: 'pg' }, file: { database: FILE } }, undefined],
    ['the file, where nothing else is said', { file: { database: FILE } }, FILE],
    ['the flag alone', { flags: { database: FLAG } }, FLAG],
    ['DIRECT_URL alone', { env: { DIRECT_URL: DIRECT } }, DIRECT],
    ['DATABASE_URL alone', { env: { DATABASE_URL: URL } }, URL],
    ['an empty DIRECT_URL is none', { env: { DIRECT_URL: '', DATABASE_URL: URL } }, URL],
    ['an empty DATABASE_URL is none', { env: { DATABASE_URL: '' }, file: { database: FILE } }, FILE],
    ['an empty PGHOST is none', { env: { PGHOST: '', PGPORT: '' }, file: { database: FILE } }, FILE],
    ['an absent variable is none', { env: { DATABASE_URL: undefined }, file: { database: FILE } }, FILE],
    ['empty URLs leave it to libpq', { env: { DIRECT_URL: '', DATABASE_URL: '', PGHOST: 'pg' } }, undefined],
    [
      'variables that do not say where the database is',
      { env: { PGUSER: 'me', PGPASSWORD: 'x', PGSSLMODE: 'require' }, file: { database: FILE } },
      FILE,
    ],
  ])('comes from: %s', (_what, more, database) => {
    expect(configFrom(sources(more)).database).toBe(database)
  })

  test.each<[string]>([['PGHOST'], ['PGHOSTADDR'], ['PGDATABASE'], ['PGSERVICE'], ['PGPORT']])(
    'is left to libpq when %s is set',
    (name) => {
      const config = configFrom(sources({ env: { [name]: 'x' }, file: { database: FILE } }))
      expect(config).not.toHaveProperty('database')
    },
  )

  test.each<[string, Partial<ConfigSources>]>([
    ['nothing', {}],
    ['empty variables', { env: { DIRECT_URL: '', DATABASE_URL: '', PGHOST: '' } }],
    ['a user without a place', { env: { PGUSER: 'me', PGPASSWORD: 'secret' } }],
    ['other settings', { flags: { migrations: 'm' }, file: { settings: { graceMs: 1 } } }],
  ])('must be named; this is not enough: %s', (_what, more) => {
    const error = thrownBy(() => configFrom(sources(more)))
    expect([error.code, error.message]).toEqual(['config_invalid', 'No database is named.'])
    expect(error.hint).toBe(
      'Say --database postgres://user@host/name, or set DATABASE_URL, the PG* variables, or "database" in bellows.config.yaml.',
    )
  })
})

describe('a URL that is none', () => {
  test.each<[string, Partial<ConfigSources>]>([
    ['database', { flags: { database: 'shop:secret@host' } }],
    ['database', { env: { DATABASE_URL: 'mysql://me:secret@host/db' } }],
    ['standby', { flags: { database: FLAG, standbys: [URL, 'secret'] } }],
    ['standby', { flags: { database: FLAG }, file: { standbys: ['secret'] } }],
  ])('is refused as the %s, and not repeated', (what, more) => {
    const error = thrownBy(() => configFrom(sources(more)))
    expect([error.code, error.message]).toEqual([
      'config_invalid',
      `What is given as the ${what} is no postgres:// URL.`,
    ])
    expect(error.hint).toMatch(/postgres:\/\/user/)
  })
})

describe('the folder of migrations', () => {
  test.each<[string, Partial<ConfigSources>, string]>([
    ['the flag', { flags: { database: FLAG, migrations: 'a' }, file: { migrations: 'b' } }, 'a'],
    ['the file', { flags: { database: FLAG }, file: { migrations: 'b' } }, 'b'],
    ['the default', { flags: { database: FLAG } }, 'migrations'],
  ])('comes from %s', (_what, more, migrations) => {
    expect(configFrom(sources(more)).migrations).toBe(migrations)
  })
})

describe('the settings of a command', () => {
  const settingsOf = (flags: SettingsChange, file: SettingsChange) =>
    configFrom(sources({ flags: { database: FLAG, settings: flags }, file: { settings: file } })).settings

  test('are those of the flags before those of the file, figure by figure', () => {
    expect(
      settingsOf(
        { lock: { deadlineMs: 1 }, graceMs: 2 },
        { lock: { deadlineMs: 3, pauseMaxMs: 4 }, batch: { rows: 5 }, graceMs: 6, holdTimeoutMs: 7 },
      ),
    ).toMatchObject({
      lock: { deadlineMs: 1, pauseMaxMs: 4 },
      batch: { rows: 5 },
      graceMs: 2,
      holdTimeoutMs: 7,
    })
  })

  test.each<[string, SettingsChange, SettingsChange]>([
    ['lock', { lock: { canaryTimeoutMs: 1 } }, { lock: { heldTimeoutMs: 2 } }],
    ['batch', { batch: { rows: 1 } }, { batch: { verifyRows: 2 } }],
    ['driver', { driver: { staleMs: 1 } }, { driver: { waitMs: 2 } }],
    ['gate', { gate: { doorMs: 1 } }, { gate: { silentGraceMs: 2 } }],
  ])('of the group %s are put together', (group, flags, file) => {
    const name = group as 'lock'
    expect(settingsOf(flags, file)[name]).toEqual({ ...file[name], ...flags[name] })
  })

  test('change nothing where nothing is said', () => {
    const { settings } = configFrom(sources({ flags: { database: FLAG } }))
    expect(mergedSettings(DEFAULT_SETTINGS, settings)).toEqual(DEFAULT_SETTINGS)
  })
})

describe('a configuration', () => {
  test('cannot be changed', () => {
    expect(Object.isFrozen(configFrom(sources({ flags: { database: FLAG } })))).toBe(true)
  })

  test('leaves its sources as they were', () => {
    const from = sources({
      flags: { database: FLAG, settings: { lock: { deadlineMs: 1 } } },
      file: { settings: { lock: { pauseMaxMs: 1 } } },
    })
    const before = JSON.stringify(from)
    configFrom(from)
    expect(JSON.stringify(from)).toBe(before)
  })
})

describe('merged settings', () => {
  test('are complete, and differ only in what was changed', () => {
    const change: SettingsChange = {
      lock: { deadlineMs: 1 },
      gate: { whenNoneRegistered: 'allow', reason: 'x' },
      graceMs: 9,
    }
    expect(mergedSettings(DEFAULT_SETTINGS, change)).toEqual({
      ...DEFAULT_SETTINGS,
      lock: { ...DEFAULT_SETTINGS.lock, deadlineMs: 1 },
      gate: { ...DEFAULT_SETTINGS.gate, whenNoneRegistered: 'allow', reason: 'x' },
      graceMs: 9,
    })
  })

  test('cannot be changed, and the defaults stay', () => {
    const before = JSON.stringify(DEFAULT_SETTINGS)
    const merged = mergedSettings(DEFAULT_SETTINGS, { batch: { rows: 1 } })
    expect(Object.isFrozen(merged)).toBe(true)
    expect(Object.isFrozen(DEFAULT_SETTINGS)).toBe(true)
    expect(JSON.stringify(DEFAULT_SETTINGS)).toBe(before)
  })

  test('can be merged again', () => {
    const once = mergedSettings(DEFAULT_SETTINGS, { batch: { rows: 1 } })
    expect(mergedSettings(once, { batch: { verifyRows: 2 } }).batch).toMatchObject({ rows: 1, verifyRows: 2 })
  })
})

describe('the defaults', () => {
  const figures = (value: object, path = ''): readonly (readonly [string, number])[] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === 'number'
        ? [[`${path}${key}`, inner] as const]
        : inner !== null && typeof inner === 'object'
          ? figures(inner, `${path}${key}.`)
          : [],
    )

  test('are whole figures with their unit in the name', () => {
    for (const [name, figure] of figures(DEFAULT_SETTINGS)) {
      expect(Number.isInteger(figure), name).toBe(true)
      expect(figure, name).toBeGreaterThanOrEqual(0)
      expect(name).toMatch(/(Ms|Max|[rR]ows|workers|Bytes|Files|Percent|Backends)$/)
    }
  })

  test('let the engine give way before the server looks for a deadlock', () => {
    const { lock, batch } = DEFAULT_SETTINGS
    for (const timeout of [lock.canaryTimeoutMs, lock.heldTimeoutMs, batch.lockTimeoutMs]) {
      expect(timeout).toBeLessThan(1000)
    }
  })

  test('replace a driver only after several missed heartbeats', () => {
    const { driver, gate } = DEFAULT_SETTINGS
    expect(driver.staleMs).toBeGreaterThanOrEqual(3 * driver.heartbeatMs)
    expect(gate.whenNoneRegistered).toBe('refuse')
  })

  test('have another driver take over within 30 s, whenever the last sign of the dead one came', () => {
    const { staleMs, heartbeatMs, pollMs } = DEFAULT_SETTINGS.driver
    expect(heartbeatMs + staleMs + pollMs).toBeLessThanOrEqual(30_000)
    // A beat may come late without the driver being dead.
    expect(staleMs).toBeGreaterThanOrEqual(3 * heartbeatMs)
  })
})
