import {
  type Braked,
  bytesText,
  type Notice,
  type Progress,
  quarantinedText,
  rolloutEventText,
} from '../../index.ts'
import type { Terminal } from '../terminal.ts'
import { estimateText } from './estimate.ts'
import { eventText } from './event.ts'
import { duration, grouped } from './figures.ts'

/** A line every so often where nothing can be drawn again. */
const LINE_EVERY_MS = 5_000
const BAR_CELLS = 24

export interface ProgressView {
  show(notice: Notice): void
  /** Leaves the last state on the screen and goes to the next line. */
  end(): void
}

/** Shows what a run does: a bar that is drawn again on a terminal, otherwise one line every few seconds. */
export function progressView(terminal: Terminal, now: () => number = Date.now): ProgressView {
  let isOpen = false
  let shownAt = Number.NEGATIVE_INFINITY
  let shownStep = ''
  let unshown: Notice | undefined
  let brake: Braked | undefined
  const described = (notice: Notice) => describe(notice, brake)
  return {
    show: (notice) => {
      const isOtherPace = notice.type === 'braked' && notice.pace !== (brake?.pace ?? 'go')
      if (notice.type === 'braked') brake = notice.pace === 'go' ? undefined : notice
      const lasting = lastingLine(notice)
      if (lasting !== undefined) {
        terminal.err(`${isOpen ? CLEAR : ''}${lasting}\n`)
        isOpen = false
        // It is about what has passed by now.
        unshown = undefined
        return
      }
      if (described(notice) === '') return
      if (terminal.isLive) {
        terminal.err(`${CLEAR}${described(notice)}`)
        isOpen = true
        return
      }
      const isNew = isOtherPace || ('step' in notice && notice.step !== shownStep)
      unshown = notice
      if (!isNew && now() - shownAt < LINE_EVERY_MS) return
      unshown = undefined
      shownAt = now()
      shownStep = 'step' in notice ? notice.step : shownStep
      terminal.err(`${described(notice)}\n`)
    },
    end: () => {
      if (isOpen) terminal.err('\n')
      else if (unshown !== undefined) terminal.err(`${described(unshown)}\n`)
      isOpen = false
      unshown = undefined
    },
  }
}

/** A terminal for whoever else writes: what is being drawn is finished first. */
export function besideProgress(terminal: Terminal, view: ProgressView): Terminal {
  const write =
    (to: (text: string) => void) =>
    (text: string): void => {
      view.end()
      to(text)
    }
  return { ...terminal, out: write(terminal.out), err: write(terminal.err) }
}

/** Takes back the line that is being drawn. */
const CLEAR = '\r\u001B[2K'

/** What happened, rather than how far something has come: a line that stays, wherever it is shown. */
function lastingLine(notice: Notice): string | undefined {
  switch (notice.type) {
    case 'standby':
      return notice.because
    case 'estimated':
      return `${notice.step}: ${estimateText(notice)}`
    case 'happened':
      return eventText(notice)
    case 'partly_tried':
      return `Not every row of "${notice.table}" was tried: ${notice.because}.`
    case 'plain_ranges':
      return `${notice.step}: in plain ranges for now, because ${notice.because}`
    case 'quarantined':
      return `${notice.step}: left out, ${notice.rows} by now: ${quarantinedText(notice.newest)}`
    case 'waiting_for_backfill':
      return `Waiting: ${notice.because}.`
    case 'waiting_for_server':
      return `Waiting for the server. ${notice.because}`
    case 'working_on':
      return `Filling "${notice.table}" for ${notice.step}.`
    case 'nobody_told':
      return `Nobody was told: ${notice.because}.`
    case 'rollout':
      return rolloutEventText(notice.event)
    default:
      return undefined
  }
}

function describe(notice: Notice, brake: Braked | undefined): string {
  switch (notice.type) {
    case 'progress':
      return `${progressLine(notice)}${brake?.step === notice.step ? `; ${brakeText(brake)}` : ''}`
    case 'braked':
      return `${notice.step} ${brakeText(notice)}`
    case 'waiting_for_lock':
      return `${notice.step}: waiting for a lock${notice.blockers.length > 0 ? `; in the way: ${notice.blockers.join('; ')}` : ''}`
    case 'waiting_for_driver':
      return `waiting: ${notice.holder} is changing this database`
    case 'waiting_for_rollout':
      return waitingLine(notice.waitsFor)
    default:
      return ''
  }
}

/** How it is held back, and by what. */
export function brakeText({ pace, because }: Pick<Braked, 'pace' | 'because'>): string {
  if (pace === 'go') return 'goes on'
  return `${pace === 'pause' ? 'paused' : 'slowed'}: ${because.join('; ')}`
}

const WAITS_SHOWN = 3

function waitingLine(waitsFor: readonly string[]): string {
  if (waitsFor.length === 0) return ''
  const more = waitsFor.length - WAITS_SHOWN
  return `waiting: ${waitsFor.slice(0, WAITS_SHOWN).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

export function progressLine(progress: Progress): string {
  const { step, rowsDone, rowsTotal, rowsPerSecond, secondsLeft, workers = 1 } = progress
  const share = rowsTotal === 0 ? 1 : Math.min(1, rowsDone / rowsTotal)
  const full = Math.round(share * BAR_CELLS)
  const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`
  const left = secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`
  const side = workers > 1 ? `, ${workers} workers` : ''
  return `${step} ${bar} ${grouped(rowsDone)} of ${grouped(rowsTotal)} rows, ${grouped(rowsPerSecond)} rows/s${left}${side}${costText(progress)}`
}

/** What it takes on the disk, from where it is worth a word on. */
function costText({ logBytes = 0, growth = 1 }: Progress): string {
  const log = logBytes < TOLD_LOG_BYTES ? '' : `, ${bytesText(logBytes)} of log`
  return growth < TOLD_GROWTH ? log : `${log}, table ${growth.toFixed(1)} times as large`
}

const TOLD_LOG_BYTES = 2 ** 20
const TOLD_GROWTH = 1.05
