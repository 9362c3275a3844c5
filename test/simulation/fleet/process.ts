import { accepted, failed, readinessOf, type Standing } from '../../../src/app/readiness.ts'
import { messageOf } from '../../../src/core/errors.ts'
import type { Chance } from '../scenario.ts'
import type { SimulatedDatabase } from './database.ts'
import { NEW_COLUMN, OLD_COLUMN, Refused, type Registering } from './registry.ts'
import type { Session } from './sessions.ts'

export const LEASE_MS = 30_000
const RENEW_MS = LEASE_MS / 3

export interface ProcessOptions {
  readonly id: string
  readonly needsOld: boolean
  /** Does the registry know how its sessions are called? */
  readonly isNamed: boolean
  /** Says that it is gone while it is still at work. */
  readonly releasesEarly: boolean
  readonly jobEveryMs: number
  /** It has ended by itself. */
  readonly onExit?: () => void
}

export interface ProcessWorld {
  readonly database: SimulatedDatabase
  readonly luck: Chance
  /** An instance of the old version is about to use the old column. */
  readonly onUse: (id: string) => void
  /** Is the old column gone? Nobody is interested any more in those who do without it. */
  readonly isHidden: () => boolean
}

/**
 * A process of the application, as `bellows/app` makes it: it registers, renews, serves only while it is ready, and drains when
 * it is told to or when its column is retired. A job keeps the session that it began with; one whose session is lost fails.
 * That is what the gate counts on: nothing could stop a job that a host took with it when it froze and lost its connections, and
 * that would go on over a new one, long after, before its process asks whether it still may.
 */
export interface Process extends ProcessOptions {
  readonly world: ProcessWorld
  life: 'running' | 'paused' | 'ended'
  standing: Standing
  /** The one that it works with; others are only left on the server. */
  session: Session | undefined
  readonly opened: Session[]
  /** Has it no way to the server? */
  isCut: boolean
  takesWork: boolean
  isDraining: boolean
  jobs: number
  /** What came while it was paused. */
  readonly missed: (() => void)[]
}

export function startProcess(world: ProcessWorld, options: ProcessOptions): Process {
  const one: Process = {
    ...options,
    world,
    life: 'running',
    standing: { kind: 'waiting', because: 'not asked yet' },
    session: undefined,
    opened: [],
    isCut: false,
    takesWork: true,
    isDraining: false,
    jobs: 0,
    missed: [],
  }
  later(one, world.luck.below(RENEW_MS), () => {
    renewing(one)
    working(one)
  })
  return one
}

export function isReady({ standing, world }: Process): boolean {
  return readinessOf(standing, LEASE_MS, world.database.time.nowMs()).ready
}

/** Is the old column needed now: by a job, or by the next one? */
export function needsOldNow(one: Process): boolean {
  if (!one.needsOld || one.life === 'ended') return false
  return (one.jobs > 0 && one.session?.isOpen === true) || isReady(one)
}

/** Is anything of it left on the server? */
export function hasSession({ opened }: Process): boolean {
  return opened.some(({ isOpen }) => isOpen)
}

/** Ends when its work is done, as with SIGTERM. */
export function terminate(one: Process): void {
  later(one, 0, () => drain(one))
}

/** Ends at once, as with SIGKILL. The server hears of that later when the host has gone with it. */
export function kill(one: Process, lingersMs = 0): void {
  if (one.life === 'ended') return
  abandonSession(one, lingersMs)
  exit(one)
}

export function pause(one: Process): void {
  if (one.life === 'running') one.life = 'paused'
}

/** Does now, in any order, what came meanwhile. */
export function resume(one: Process): void {
  if (one.life !== 'paused') return
  one.life = 'running'
  for (const work of one.missed.splice(0)) later(one, one.world.luck.below(200), work)
}

/** Loses its way to the server, which does not know that for a while. */
export function cutOff(one: Process, lingersMs: number): void {
  one.isCut = true
  abandonSession(one, lingersMs)
}

export function heal(one: Process): void {
  one.isCut = false
}

/** The server ends what it has of it. */
export function loseSessions({ opened, world }: Process): void {
  for (const session of opened) world.database.sessions.close(session)
}

/** Begins a job of two statements with so much time between them. */
export function work(one: Process, ms: number, inTransaction: boolean): void {
  later(one, 0, () => begin(one, [ms, 0], inTransaction))
}

/** Whatever a process does, it does while it runs. */
function later(one: Process, ms: number, work: () => void): void {
  one.world.database.time.after(ms, () => {
    if (one.life === 'running') work()
    else if (one.life === 'paused') one.missed.push(work)
  })
}

function connected(one: Process): Session | undefined {
  if (one.isCut) return undefined
  if (one.session?.isOpen !== true) {
    one.session = one.world.database.sessions.open(one.isNamed ? `shop/${one.id}` : '')
    one.opened.push(one.session)
  }
  return one.session
}

function abandonSession(one: Process, lingersMs: number): void {
  const { session, world } = one
  one.session = undefined
  if (session === undefined) return
  const { sessions, time } = world.database
  if (lingersMs === 0) sessions.close(session)
  else time.after(lingersMs, () => sessions.close(session))
}

function exit(one: Process): void {
  if (one.life === 'ended') return
  one.life = 'ended'
  if (one.session !== undefined) one.world.database.sessions.close(one.session)
  one.onExit?.()
}

function drain(one: Process): void {
  one.isDraining = true
  if (one.releasesEarly) release(one)
  if (one.jobs > 0) return
  if (one.session !== undefined) one.world.database.sessions.close(one.session)
  release(one)
  exit(one)
}

function release(one: Process): void {
  if (one.standing.kind !== 'registered' || one.isCut) return
  one.standing = { kind: 'released' }
  one.world.database.registry.release(one.id)
}

function renewing(one: Process): void {
  if (one.standing.kind === 'retired' || one.standing.kind === 'released' || isOfNoInterest(one)) return
  ask(one)
  later(one, RENEW_MS, () => renewing(one))
}

function isOfNoInterest({ needsOld, world }: Process): boolean {
  return !needsOld && world.isHidden()
}

type Answer = (refusal?: unknown) => void

function ask(one: Process): void {
  const { luck, database } = one.world
  const askedAs = one.standing.kind
  const sentAtMs = database.time.nowMs()
  const answer: Answer = (refusal) =>
    later(one, luck.below(30), () => heard(one, { sentAtMs, askedAs, refusal }))
  const session = connected(one)
  if (session === undefined) answer('the server does not answer')
  else {
    const call = askedAs === 'registered' ? renew : register
    // Done by the server also when nobody is there any more to hear of it.
    database.time.after(luck.below(30), () => database.registry.enter(() => call(one, session, answer)))
  }
}

function heard(
  one: Process,
  { sentAtMs, askedAs, refusal }: { sentAtMs: number; askedAs: Standing['kind']; refusal: unknown },
): void {
  if (refusal === undefined) {
    one.standing = accepted(one.standing, sentAtMs, [])
    return
  }
  const isRefusal = refusal instanceof Refused
  one.standing = failed(one.standing, { because: messageOf(refusal), isRefusal, askedAs })
  // One that is not let in does not start, and one whose column is retired has nothing left to do.
  if (isRefusal && one.standing.kind !== 'registered') drain(one)
}

function renew(one: Process, session: Session, answer: Answer): void {
  try {
    one.world.database.registry.renew(one.id)
    answer()
  } catch (error) {
    const isForgotten = error instanceof Refused && error.detail === 'instance_unknown'
    if (isForgotten && one.standing.kind === 'registered') register(one, session, answer)
    else answer(error)
  }
}

/** Mostly at once; now and then in a transaction that takes its time, and that ends with its session. */
function register(one: Process, session: Session, answer: Answer): void {
  const { luck, database } = one.world
  const given: Registering = {
    instance: one.id,
    uses: [one.needsOld ? OLD_COLUMN : NEW_COLUMN],
    leaseMs: LEASE_MS,
    applicationName: one.isNamed ? `shop/${one.id}` : null,
  }
  try {
    const { commit, rollback } = database.registry.begin(given)
    const end = (): void => {
      if (session.isOpen) commit()
      else rollback()
      answer(session.isOpen ? undefined : 'the connection was lost')
    }
    if (luck.happens(0.1)) database.time.after(luck.below(3_000), end)
    else end()
  } catch (error) {
    answer(error)
  }
}

function working(one: Process): void {
  const { luck } = one.world
  if (one.isDraining || isOfNoInterest(one)) return
  later(one, one.jobEveryMs / 2 + luck.below(one.jobEveryMs), () => working(one))
  const pauses = Array.from({ length: 1 + luck.below(3) }, () => luck.below(luck.happens(0.1) ? 3_000 : 100))
  begin(one, pauses, luck.happens(0.3))
}

/** A job of a few statements, with so much time behind each of them. */
function begin(one: Process, pausesMs: readonly number[], inTransaction: boolean): void {
  if (!one.takesWork || one.isDraining || one.jobs > 0 || !isReady(one)) return
  const session = connected(one)
  if (session === undefined) return
  one.jobs += 1
  if (inTransaction) one.world.database.sessions.begin(session)
  goOn(one, session, pausesMs)
}

function goOn(one: Process, session: Session, pausesMs: readonly number[]): void {
  const { database, luck, onUse } = one.world
  const [pauseMs, ...rest] = pausesMs
  const isLost = !session.isOpen || session !== one.session
  if (isLost || pauseMs === undefined) {
    one.jobs -= 1
    if (!isLost) database.sessions.commit(session)
    if (one.isDraining) drain(one)
    return
  }
  database.sessions.use(session, () => {
    if (one.needsOld && session.isOpen && one.life !== 'ended') {
      onUse(one.id)
      if (luck.happens(0.5)) database.sessions.countWrite(session)
    }
    later(one, pauseMs, () => goOn(one, session, rest))
  })
}
