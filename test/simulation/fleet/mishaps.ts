import { type Chance, OLD } from '../scenario.ts'
import type { Crowd } from './crowd.ts'
import {
  cutOff,
  heal,
  kill,
  LEASE_MS,
  loseSessions,
  type Process,
  pause,
  resume,
  terminate,
  work,
} from './process.ts'
import type { FleetScenario } from './scenario.ts'
import type { Timeline } from './timeline.ts'

export interface Mishaps {
  readonly time: Timeline
  readonly luck: Chance
  readonly crowd: Crowd
  readonly given: FleetScenario
}

type Mishap = (at: Mishaps, one: Process) => void

/** Whoever deploys takes it for gone, and it is only out of sight for so long. */
const SILENCES: readonly ((at: Mishaps, one: Process, ms: number) => void)[] = [
  // In the middle of a job, so that it goes on with it when it is there again.
  (at, one, ms) => {
    work(one, 1_000, at.luck.happens(0.2))
    at.time.after(500, () => pausedFor(at, one, ms))
  },
  pausedFor,
  // A frozen host: the server gives its sessions up, and some time later it is there again.
  (at, one, ms) => {
    pausedFor(at, one, ms)
    at.time.after(at.luck.below(30_000), () => loseSessions(one))
  },
  (at, one, ms) => {
    cutOff(one, at.luck.below(60_000))
    at.time.after(ms, () => heal(one))
  },
]

/** What befalls processes: they die, fall silent for longer than their lease and come back, and lose their way. */
const MISHAPS: readonly Mishap[] = [
  (at, one) => void silence(at, one),
  (at, one) => void silence(at, one),
  (at, one) => pausedFor(at, one, 1_000 + at.luck.below(20_000)),
  (_at, one) => kill(one),
  // Its host died with it, and the server waits for it.
  (at, one) => kill(one, at.luck.below(120_000)),
  (_at, one) => loseSessions(one),
  (at, one) => work(one, at.luck.below(40_000), true),
]

/**
 * Often it lasts about as long as it takes until a silent one counts as gone, so that it comes back right then.
 * @returns for how long
 */
function silence(at: Mishaps, one: Process): number {
  const { luck, given } = at
  const countsAsGoneMs = LEASE_MS + given.gate.silentGraceMs
  const ms = luck.happens(0.5) ? countsAsGoneMs + luck.below(60_000) : luck.below(2 * countsAsGoneMs)
  luck.one(...SILENCES)(at, one, ms)
  return ms
}

/** It is told to end, and falls silent before; then it hears of that some time after it is there again. */
export function endOutOfSight(at: Mishaps, one: Process): void {
  at.time.after(silence(at, one) + at.luck.below(30_000), () => terminate(one))
}

function pausedFor({ time }: Mishaps, one: Process, ms: number): void {
  pause(one)
  time.after(ms, () => resume(one))
}

/** Something befalls somebody, again and again until it is calm; mostly somebody of the old version. */
export function bring(at: Mishaps, isCalm: () => boolean): void {
  const { time, luck, crowd, given } = at
  if (given.trouble === 0) return
  let strays = 0
  const next = (): void => {
    if (isCalm()) return
    time.after(luck.below(20_000 / given.trouble / Math.max(1, crowd.processes.length / 40)), next)
    const one = somebody(at)
    const what = luck.below(MISHAPS.length + 4)
    if (what < MISHAPS.length) {
      if (one !== undefined) MISHAPS[what]!(at, one)
    } else if (what > MISHAPS.length) visited(at)
    else {
      strays += 1
      strayed(at, crowd.start(`stray-${strays}`, OLD))
    }
  }
  time.after(luck.below(30_000), next)
}

/** Somebody starts the old version by hand, for a while. */
function strayed(at: Mishaps, one: Process): void {
  const isLost = at.luck.happens(0.5)
  at.time.after(at.luck.below(30_000), () => (isLost ? endOutOfSight(at, one) : terminate(one)))
}

/** Mostly of the old version. */
function somebody({ luck, crowd }: Mishaps): Process | undefined {
  const all = crowd.processes
  const some = Array.from({ length: Math.min(4, all.length) }, () => all[luck.below(all.length)]!).filter(
    ({ life }) => life === 'running',
  )
  return some.find(({ needsOld }) => needsOld) ?? some[0]
}

/** Where those who register nowhere are only named, nobody looks after them. */
function visited({ luck, crowd, given }: Mishaps): void {
  if (given.gate.unregistered === 'refuse' && !crowd.isHidden()) crowd.visit(luck.below(30_000))
}
