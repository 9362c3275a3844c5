import type { Cost, Progress } from './event.ts'

/** One look at how far a step has come. */
export interface Sample {
  readonly rowsDone: number
  readonly rowsTotal: number
  /** Seconds since the step began, by the clock of the database. */
  readonly seconds: number
  /** Share of the work that the step has behind it, between 0 and 1. */
  readonly share: number
  /** Which pass it is, where passes differ in their pace. */
  readonly lap?: number
  /** How many are at it, where that was counted and makes a difference. */
  readonly workers?: number | undefined
  /** The share of the time that somebody has asked for, where that is no pause. */
  readonly asked?: number | undefined
  /** How often the brake has paused it in this attempt. */
  readonly pauses?: number
  readonly cost?: Cost
}

/** Where the figures of this attempt are taken from: a night before it does not count, nor does a pause of the brake. */
export interface Meter {
  /** Where it began, or another number of workers came to be at it, or another share of the time was asked for. */
  readonly spell: Sample
  /** Where the present lap of it began. */
  readonly lap: Sample
  /** Up to where its pace is taken from. */
  readonly turn: Sample
  /** Does it begin with a turn? */
  readonly isWhole: boolean
  readonly last: Sample
  /** The number that was counted last. */
  readonly workers: number | undefined
  /** The share that was known last. */
  readonly asked: number | undefined
}

/** Batches begin small, and what they read is not in memory yet: the pace of that tells nothing of the rest. */
const WARM_UP_SECONDS = 1

/** What was looked at for less than this tells nothing of the rest either: it may be one short batch, or two that ended in the same moment. */
const MEASURED_SECONDS_MIN = 0.5

/** Shorter ones, between batch and batch, are its pace: where nothing else is done all would be left out. */
const PAUSE_SECONDS_MIN = 2

/** How often turns come. */
const TURN_SECONDS = 1
/** After so many without a rest there are none, such as where several take long for a batch, and anything will do. */
const RESTLESS_SECONDS = 3

/** The meter after a sample. Who goes back is on another lap as well. */
export function metered(before: Meter | undefined, now: Sample): Meter {
  if (before === undefined)
    return {
      spell: now,
      ...begun(now, (now.asked ?? 1) >= 1),
      last: now,
      workers: now.workers,
      asked: now.asked,
    }
  const { last, workers, asked } = before
  const known = { last: now, workers: now.workers ?? workers, asked: now.asked ?? asked }
  const isTurn = beginsTurn(before, now, known.asked)
  const wasPaused = (now.pauses ?? 0) > (last.pauses ?? 0) && now.seconds - last.seconds > PAUSE_SECONDS_MIN
  const from = (begin: Sample): Sample => (wasPaused ? leavingOut(begin, last, now) : begin)
  // That may come with another lap, and has the last word then.
  if (isAnother(workers, now.workers) || isAnother(asked, now.asked))
    return { spell: now, ...begun(now, isTurn), ...known }
  const spell = from(before.spell)
  if (now.share < last.share || now.lap !== last.lap) return { spell, ...begun(now, isTurn), ...known }
  const isWarm = now.seconds - spell.seconds >= WARM_UP_SECONDS
  if (!isWarm || !before.isWhole) return { spell, ...begun(now, isTurn), ...known }
  return { spell, lap: from(before.lap), turn: isTurn ? now : before.turn, isWhole: true, ...known }
}

function begun(now: Sample, isWhole: boolean): Pick<Meter, 'lap' | 'turn' | 'isWhole'> {
  return { lap: now, turn: now, isWhole }
}

/**
 * Where a share of the time is asked for, batches come in turns: is it the first one of a turn? Between two of these are whole turns, and
 * what lies between any other two tells more or less than they do.
 */
function beginsTurn({ spell, turn, isWhole, last }: Meter, { seconds }: Sample, asked = 1): boolean {
  const isRested = seconds - last.seconds > (TURN_SECONDS * (1 - asked)) / 2
  return asked >= 1 || isRested || seconds - (isWhole ? turn : spell).seconds > RESTLESS_SECONDS
}

/** What was not told is no other. */
function isAnother(before: number | undefined, now: number | undefined): boolean {
  return before !== undefined && now !== undefined && now !== before
}

/** A beginning, moved on by what came between two samples: with the pause goes the batch that was done beside it. */
function leavingOut(begin: Sample, last: Sample, now: Sample): Sample {
  return {
    ...begin,
    rowsDone: begin.rowsDone + now.rowsDone - last.rowsDone,
    seconds: begin.seconds + now.seconds - last.seconds,
    share: begin.share + now.share - last.share,
  }
}

/** Rate of the whole spell, and the time that the rest of the work needs at the pace of the lap. */
export function progressOf(
  step: string,
  { spell, lap, turn: until }: Pick<Meter, 'spell' | 'lap'> & Partial<Pick<Meter, 'turn'>>,
  now: Sample,
): Progress {
  const turn = until ?? now
  const seconds = now.seconds - spell.seconds
  const lapSeconds = turn.seconds - lap.seconds
  const passed = turn.share - lap.share
  return {
    type: 'progress',
    step,
    rowsDone: now.rowsDone,
    rowsTotal: Math.max(now.rowsTotal, now.rowsDone),
    rowsPerSecond: seconds > 0 ? Math.round((now.rowsDone - spell.rowsDone) / seconds) : 0,
    ...(lapSeconds >= MEASURED_SECONDS_MIN && passed > 0
      ? { secondsLeft: Math.round((lapSeconds * (1 - now.share)) / passed) }
      : {}),
    ...(now.workers === undefined ? {} : { workers: now.workers }),
    ...now.cost,
  }
}
