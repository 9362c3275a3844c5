import { type Chance, OLD } from '../scenario.ts'
import type { Crowd } from './crowd.ts'
import { cutOff, heal, kill, LEASE_MS, loseSessions, type Process, pause, resume, work } from './process.ts'
import type { FleetScenario } from './scenario.ts'
import type { Timeline } from './timeline.ts'

export interface Mishaps {
  readonly time: Timeline
  readonly luck: Chance
  readonly crowd: Crowd
  readonly given: FleetScenario
}

type Mishap = (at: Mishaps, one: Process) => void

/** Whoever deploys takes it for gone, and it is only out of sight. */
const SILENCES: readonly Mishap[] = [
  // In the middle of a job, so that it goes on with it whenever it is there again.
  (at, one) => {
    work(one, 1_000, at.luck.happens(0.2))
    at.time.after(500, () => pausedFor(at, one, silenceMs(at)))
  },
  (at, one) => pausedFor(at, one, silenceMs(at)),
  // A frozen host: the server gives its sessions up, and some time later it is there again.
  (at, one) => {
    pausedFor(at, one, silenceMs(at))
    at.time.after(at.luck.below(30_000), () => loseSessions(one))
  },
  (at, one) => {
    cutOff(one, at.luck.below(60_000))
    at.time.after(silenceMs(at), () => heal(one))
  },
]

/** What befalls processes: they die, fall silent for longer than their lease and come back, and lose their way. */
const MISHAPS: readonly Mishap[] = [
  ...SILENCES,
  (at, one) => pausedFor(at, one, 1_000 + at.luck.below(20_000)),
  (_at, one) => kill(one),
  // Its host died with it, and the server waits for it.
  (at, one) => kill(one, at.luck.below(120_000)),
  (_at, one) => loseSessions(one),
  (at, one) => work(one, at.luck.below(40_000), true),
]

export function silence(at: Mishaps, one: Process): void {
  at.luck.one(...SILENCES)(at, one)
}

/** Often about as long as it takes until a silent one counts as gone: it comes back right then. */
function silenceMs({ luck, given }: Mishaps): number {
  const countsAsGoneMs = LEASE_MS + given.gate.silentGraceMs
  return luck.happens(0.5) ? countsAsGoneMs + luck.below(60_000) : luck.below(2 * countsAsGoneMs)
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
      crowd.start(`stray-${strays}`, OLD)
    }
  }
  time.after(luck.below(30_000), next)
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
