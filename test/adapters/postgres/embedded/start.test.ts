import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import path from 'node:path'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { type EmbeddedServer, startEmbedded } from '../../../../src/adapters/postgres/embedded/start.ts'
import { failure, query, removed, runs, useGround } from '../../../support/fixtures/embedded.ts'

const ground = useGround()

const withServer = async (
  options: Parameters<typeof startEmbedded>[0],
  use: (server: EmbeddedServer) => Promise<void>,
): Promise<void> => {
  const server = await startEmbedded(options)
  try {
    await use(server)
  } finally {
    await server.stop()
  }
}

describe('a temporary server', () => {
  test('answers as PostgreSQL 18 and leaves neither process nor folder when it is stopped', async () => {
    const server = await startEmbedded({})
    expect(await query(server.url, 'show server_version')).toEqual([[expect.stringMatching(/^18\./)]])
    expect(runs(server.pid)).toBe(true)
    await server.stop()
    expect(runs(server.pid)).toBe(false)
    expect(existsSync(server.dataFolder)).toBe(false)
  })

  test('can be stopped twice, and at the same time', async () => {
    const server = await startEmbedded({})
    await Promise.all([server.stop(), server.stop()])
    await server.stop()
    expect(runs(server.pid)).toBe(false)
  })

  test('sorts and encodes the same on every machine', () =>
    withServer({}, async ({ url }) => {
      const sql = `select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database
        where datname = current_database()`
      expect(await query(url, sql)).toEqual([['b', 'C.UTF-8', 'UTF8']])
      expect(await query(url, `select upper('äß') || array_to_string(array['b', 'a', 'B'], '')`)).toEqual([
        ['ÄßbaB'],
      ])
    }))

  test('spends nothing on surviving a crash, and is set up for what Bellows does', () =>
    withServer({}, async ({ url }) => {
      const expected = {
        fsync: 'off',
        synchronous_commit: 'off',
        full_page_writes: 'off',
        wal_level: 'logical',
        max_connections: '100',
        shared_buffers: '128MB',
        listen_addresses: '',
        cluster_name: 'bellows',
      }
      for (const [name, value] of Object.entries(expected))
        expect(await query(url, `show ${name}`)).toEqual([[value]])
    }))

  test('takes the settings it is given, except where it listens', () =>
    withServer({ settings: { max_connections: '7', fsync: 'on', port: '1' } }, async ({ url }) => {
      const names = `'max_connections', 'fsync', 'port'`
      const sql = `select setting from pg_settings where name in (${names}) order by name`
      expect(await query(url, sql)).toEqual([['on'], ['7'], ['5432']])
    }))

  test('gives a URL for a database of any name that pg can be told in one', () =>
    withServer({}, async (server) => {
      for (const name of ['app', 'with space', 'Ümlaut', 'a/b', 'per%cent', 'at@colon:', '"quoted"']) {
        await query(server.url, `create database ${pg.escapeIdentifier(name)}`)
        expect(await query(server.databaseUrl(name), 'select current_database()')).toEqual([[name]])
      }
    }))

  test('is reached whatever the environment says about other servers', async () => {
    const misleading = {
      PGHOST: '192.0.2.1',
      PGPORT: '1',
      PGSSLMODE: 'require',
      PGDATABASE: 'x',
      PGUSER: 'x',
    }
    for (const [name, value] of Object.entries({
      ...misleading,
      PGDATA: '/nowhere',
      NODE_OPTIONS: '--require=/nowhere.cjs',
    }))
      vi.stubEnv(name, value)
    await withServer({}, async ({ url }) =>
      expect(await query(url, 'select current_user')).toEqual([['postgres']]),
    )
  })

  test('keeps its socket and its data where no other user can get', () =>
    withServer({}, async ({ dataFolder }) => {
      const modes = ['run', 'pgdata'].map((name) => statSync(path.join(dataFolder, name)).mode & 0o777)
      expect(modes).toEqual([0o700, 0o700])
    }))

  test('stands beside a second one', () =>
    withServer({}, (first) =>
      withServer({}, async (second) => {
        await query(first.url, 'create table only_in_first ()')
        expect(await query(second.url, `select to_regclass('only_in_first')`)).toEqual([['null']])
      }),
    ))
})

const longFolder = (): string => {
  const folder = path.join(ground(), 'long'.repeat(25))
  mkdirSync(folder, { mode: 0o755 })
  vi.stubEnv('TMPDIR', folder)
  return folder
}

describe('where the path of a unix socket would be too long', () => {
  test('the server listens on a loopback port, and only for those who have the password', async () => {
    longFolder()
    await withServer({}, async (server) => {
      const url = new URL(server.url)
      expect(url.hostname).toBe('127.0.0.1')
      expect(await query(server.url, 'show listen_addresses')).toEqual([['127.0.0.1']])
      url.password = 'guessed'
      expect((await failure(query(url.href, 'select 1'))).code).toBe('28P01')
    })
  })

  test('a kept folder works, and goes on working with a socket', async () => {
    const kept = path.join(longFolder(), 'kept')
    await withServer({ dataFolder: kept }, async ({ url }) => {
      await query(url, 'create table made_by_port ()')
    })
    vi.stubEnv('TMPDIR', ground())
    await withServer({ dataFolder: kept }, async ({ url }) => {
      expect(url).toContain('host=')
      expect(await query(url, `select to_regclass('made_by_port')`)).toEqual([['made_by_port']])
    })
  })

  test('the port is free again after the stop', async () => {
    longFolder()
    const server = await startEmbedded({})
    await server.stop()
    const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1')
    const [error] = await once(socket, 'error')
    expect(error.code).toBe('ECONNREFUSED')
  })
})

describe('a server that fails', () => {
  test('says why when it does not start', async () => {
    const error = await failure(startEmbedded({ settings: { shared_buffers: 'much' } }))
    expect(error.code).toBe('embedded_failed')
    expect(error.message).toContain('invalid value for parameter "shared_buffers": "much"')
    expect(error.hint).toContain('--database')
  })

  test('leaves a kept folder unlocked, so that the next start has a chance', async () => {
    const dataFolder = path.join(ground(), 'kept')
    await failure(startEmbedded({ dataFolder, settings: { shared_buffers: 'much' } }))
    expect(existsSync(path.join(dataFolder, 'bellows.lock'))).toBe(false)
    expect(readFileSync(path.join(dataFolder, 'bellows.log'), 'utf8')).toContain('shared_buffers')
    await withServer({ dataFolder }, async ({ url }) => {
      expect(await query(url, 'select 1')).toEqual([['1']])
    })
  })

  test('cleans up after itself, without being stopped, when it ends while it is in use', async () => {
    const server = await startEmbedded({})
    process.kill(server.pid, 'SIGQUIT')
    expect(await removed(server.dataFolder)).toBe(true)
    await server.stop()
  })

  test('gives its kept folder free for another start', async () => {
    const dataFolder = path.join(ground(), 'kept')
    const server = await startEmbedded({ dataFolder })
    process.kill(server.pid, 'SIGQUIT')
    expect(await removed(path.join(dataFolder, 'bellows.lock'))).toBe(true)
    await withServer({ dataFolder }, async ({ url }) => {
      expect(await query(url, 'select 1')).toEqual([['1']])
    })
  })
})
