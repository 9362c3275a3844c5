import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expect } from 'vitest'
import { cleanUp, type TestDatabase } from '../support/database.ts'
import { builtMain } from '../support/node-process.ts'

const PROGRAM = fileURLToPath(new URL('../support/fixtures/fleet-member.mjs', import.meta.url))

export type Shape = 'old' | 'new'

/** A process of its own that announces itself, renews its lease, and uses its column all the time. */
export interface Member {
  readonly shape: Shape
  readonly instance: string
  readonly row: number
  /** What it said became of it, in order; `refused` and `failed` with the reason. */
  readonly said: readonly string[]
  /** It was let in, and neither killed nor told to end. */
  isThere(): boolean
  /** Until it serves, or was refused. */
  begun(): Promise<void>
  tell(line: 'lapse' | 'renew' | 'end'): void
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  kill(): Promise<void>
  /** Finishes, says that it is gone, and goes. */
  end(): Promise<void>
}

export interface Fleet {
  readonly members: readonly Member[]
  start(shape: Shape): Member
  /** How often it has written its row. */
  usesOf(member: Member): Promise<number>
  /** Is its lease over, and for so long? Who was not let in has none. */
  isPastItsLease(member: Member, graceMs: number): Promise<boolean>
}

export const FLEET_TABLE = `create table users (id int primary key, name text not null, uses int not null default 0);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 200) i`

const IS_PAST = `select extract(epoch from clock_timestamp() - renewed_at) * 1000 > lease_ms + $2::int as "isPast"
  from bellows.instance where instance = $1`

const COLUMN = { old: 'name', new: 'full_name' } as const

/** Processes that are killed at the end of the test, whatever became of them. */
export function fleetOn(database: TestDatabase, leaseMs: number): Fleet {
  const members: Member[] = []
  const app = path.join(path.dirname(builtMain()), '../app/announce.js')
  const pool = new pg.Pool({ connectionString: database.url, max: 2, application_name: 'bellows' })
  cleanUp(() => pool.end())
  return {
    members,
    start: (shape) => {
      const row = members.length + 1
      const instance = `${shape}-${row}`
      const orders = { app, url: database.url, leaseMs, instance, row, column: COLUMN[shape] }
      const member = memberOf(spawnMember(orders), { shape, instance, row })
      members.push(member)
      return member
    },
    usesOf: async ({ row }) => {
      const { rows } = await pool.query<{ uses: number }>('select uses from users where id = $1', [row])
      return rows[0]?.uses ?? 0
    },
    isPastItsLease: async ({ instance }, graceMs) => {
      const { rows } = await pool.query<{ isPast: boolean }>(IS_PAST, [instance, graceMs])
      return rows[0]?.isPast === true
    },
  }
}

function spawnMember(orders: object): ChildProcess {
  return spawn(process.execPath, [PROGRAM, JSON.stringify(orders)], { stdio: ['pipe', 'pipe', 'inherit'] })
}

function memberOf(child: ChildProcess, known: Pick<Member, 'shape' | 'instance' | 'row'>): Member {
  const exited = once(child, 'exit')
  const said: string[] = []
  let isToldToGo = false
  if (child.stdout === null) throw new Error('the member has no stdout')
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { is, because } = JSON.parse(text) as { readonly is: string; readonly because?: string }
    said.push(because === undefined ? is : `${is}: ${because}`)
  })
  // One that is gone cannot be told anything.
  child.stdin?.on('error', () => undefined)
  const kill = async (): Promise<void> => {
    isToldToGo = true
    child.kill('SIGKILL')
    await exited
  }
  cleanUp(kill)
  const tell = (line: string): void => void child.stdin?.write(`${line}\n`)
  return {
    ...known,
    said,
    isThere: () => said.includes('serving') && !isToldToGo,
    begun: () => expect.poll(() => said[0] ?? '', { timeout: 60_000 }).toMatch(/^(serving|refused)/),
    tell,
    signal: (name) => void child.kill(name),
    kill,
    end: async () => {
      isToldToGo = true
      tell('end')
      await exited
    },
  }
}
