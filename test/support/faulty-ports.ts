import { systemChecks } from '../../src/adapters/checks/checks.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { runCommand } from '../../src/adapters/command/run-command.ts'
import { postgresDatabase } from '../../src/adapters/postgres/database.ts'
import { postgresInstances } from '../../src/adapters/postgres/instances.ts'
import { postgresJournal } from '../../src/adapters/postgres/journal.ts'
import { postgresRollouts } from '../../src/adapters/postgres/rollouts.ts'
import { openSessions } from '../../src/adapters/postgres/sessions.ts'
import { DEFAULT_SETTINGS, mergedSettings, type SettingsChange } from '../../src/config.ts'
import { IN_BACKFILL } from '../../src/core/plan/in-backfill.ts'
import type { Notice } from '../../src/core/run/event.ts'
import { trusted } from '../../src/core/sql.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import type { Kubernetes } from '../../src/engine/context.ts'
import { createBellows } from '../../src/engine/create-bellows.ts'
import type { Driver, Ports, Transaction } from '../../src/engine/ports.ts'
import { calmSignals } from './calm-signals.ts'

/** One thing that the engine asks of the world outside. Heartbeats and the release of the driver are none. */
export interface Effect {
  /** Counts from 1, over the life of the engine. */
  readonly at: number
  /** The function of the port that is called, such as `transact`. */
  readonly kind: string
  /** For people: the events that a transaction records, or the beginning of a statement. */
  readonly what: string
}

/** Called around every effect of an engine. What one throws is what the engine gets. */
export interface Around {
  readonly before?: (effect: Effect) => Promise<void> | void
  readonly after?: (effect: Effect) => Promise<void> | void
  /** However it ended. */
  readonly over?: () => void
}

export interface FaultyOptions {
  readonly settings?: SettingsChange
  readonly application?: string
  readonly onNotice?: (notice: Notice) => void
  readonly isStopping?: () => boolean
  readonly kubernetes?: Kubernetes
  /** What is sent in the place of every transaction of the driver. */
  readonly sent?: (transaction: Transaction) => Transaction
}

export interface Faulty {
  readonly bellows: Bellows
  readonly effects: readonly Effect[]
  /** Sends a statement on the very session that holds the driver's lock. */
  onDriver(statement: string): Promise<void>
  /** New sessions under the engine, and the driver's lock again if it had it. The engine does not notice. */
  reconnect(): Promise<void>
  /** From now on nothing reaches the server any more, as when the process had been killed: not even a release. */
  die(): void
}

/** Not an error of Bellows, so that nothing in the engine knows how to treat it. */
export class Crash extends Error {}

/** The engine over the real adapters, as compose.ts joins them, with somebody who looks at every effect. */
export function faultyBellows(url: string, around: Around, options: FaultyOptions = {}): Faulty {
  const target = { url, application: options.application ?? 'bellows/faulty' }
  const effects: Effect[] = []
  let ports = realPorts(target)
  let driver: Driver | undefined
  let isDead = false

  const effect = async (kind: string, what: string, work: () => unknown): Promise<unknown> => {
    if (isDead) throw new Crash(`${kind} after the crash`)
    const one = { at: effects.length + 1, kind, what }
    effects.push(one)
    await around.before?.(one)
    try {
      const result = await work()
      await around.after?.(one)
      return result
    } finally {
      around.over?.()
    }
  }
  /** The functions of a port, whichever object is the port by then. */
  const watched = <P extends object>(port: () => P): P =>
    mapped(
      port(),
      (name, call) =>
        (...given) =>
          effect(name, described(given), () => call(port(), name, given)),
    )
  const driving = (): Driver => {
    if (driver === undefined) throw new Error('there is no driver')
    return driver
  }
  /** Not effects: they are nothing that a run waits for. */
  const unwatched = {
    beat: async () => {
      if (!isDead) await driver?.beat()
    },
    release: async () => {
      const released = driver
      driver = undefined
      if (!isDead) await released?.release()
    },
  }
  const database = watched(() => ports.database)

  return {
    bellows: createBellows({
      database: {
        ...database,
        tryToDrive: async () => {
          const answer = await database.tryToDrive()
          if (!('epoch' in answer)) return answer
          driver = answer
          const { sent = (transaction: Transaction) => transaction } = options
          const seen = watched(driving)
          const transact: Driver['transact'] = (transaction) => seen.transact(sent(transaction))
          return { ...seen, transact, epoch: answer.epoch, ...unwatched }
        },
        close: () => ports.database.close(),
      },
      journal: watched(() => ports.journal),
      instances: watched(() => ports.instances),
      rollouts: watched(() => ports.rollouts),
      checks: watched(() => ports.checks),
      signals: calmSignals,
      clock: systemClock,
      standbys: [],
      actor: { user: 'test', host: 'test', tool: 'bellows/test' },
      settings: mergedSettings(DEFAULT_SETTINGS, {
        ...options.settings,
        gate: { quietMs: 0, ...options.settings?.gate },
      }),
      notify: options.onNotice ?? (() => undefined),
      isStopping: options.isStopping ?? (() => false),
      ...(options.kubernetes === undefined ? {} : { kubernetes: options.kubernetes }),
    }),
    effects,
    onDriver: (statement) =>
      driving().outside(trusted(statement), { lockTimeoutMs: 1_000, statementTimeoutMs: 5_000 }),
    reconnect: async () => {
      await ports.database.close()
      ports = realPorts(target)
      if (driver === undefined) return
      const answer = await ports.database.tryToDrive()
      if (!('epoch' in answer)) throw new Error(`${answer.who} took the place of the driver`)
      driver = answer
    },
    die: () => {
      isDead = true
    },
  }
}

function realPorts(target: {
  readonly url: string
  readonly application: string
}): Omit<Ports, 'clock' | 'standbys' | 'signals'> {
  const sessions = openSessions(target)
  const database = postgresDatabase(target, sessions)
  return {
    database,
    journal: postgresJournal(sessions),
    instances: postgresInstances(sessions),
    rollouts: postgresRollouts(sessions),
    checks: systemChecks({ database, runCommand }),
  }
}

type Call = (port: object, name: string, given: readonly unknown[]) => unknown

/** A port each of whose functions is replaced. Whatever port it is, so that one that gets a new function is watched too. */
function mapped<P extends object>(
  port: P,
  replaced: (name: string, call: Call) => (...given: readonly unknown[]) => unknown,
): P {
  const call: Call = (now, name, given) => {
    const found: unknown = Reflect.get(now, name)
    return typeof found === 'function' ? Reflect.apply(found, now, given) : found
  }
  const entries = Object.entries(port).map(([name, value]) => [
    name,
    typeof value === 'function' ? replaced(name, call) : value,
  ])
  return Object.fromEntries(entries) as P
}

/** How an effect is told, by what its function was given. */
export function described([first]: readonly unknown[]): string {
  if (typeof first === 'string') return first.replaceAll(/\s+/g, ' ').trim().slice(0, 60)
  if (Array.isArray(first)) return described(first.filter((statement) => !IN_BACKFILL.includes(statement)))
  const { events = [], statements = [] } = (first ?? {}) as Partial<Transaction>
  const told = events.map((event) => `${event.type}${'step' in event ? ` ${event.step}` : ''}`)
  return told.length > 0 ? told.join(', ') : statements.length > 0 ? described([statements]) : ''
}
