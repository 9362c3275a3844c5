import { BellowsError, isServerLost } from '../../core/errors.ts'
import { awaitServer } from '../await-server.ts'
import { braked } from '../brake/brake.ts'
import { readBrake } from '../brake/read-brake.ts'
import type { Engine, Working } from '../context.ts'
import { withinDeadlocks } from '../give-way.ts'
import { climb } from './climb.ts'
import { askedWorkers } from './crew.ts'
import { type Open, type OpenRow, openPass, openRow } from './filling.ts'
import { hasGone, isOfGone } from './leaves.ts'
import { teller } from './work-through.ts'

/** What somebody has done beside the driver. */
export interface Worked {
  /** Rows that it has set. */
  readonly rows: number
  /** The steps that they were of. */
  readonly steps: readonly string[]
}

/** How often it is looked for something to do. */
const LOOK_MS = 1_000

/**
 * Fills ranges of the backfill that is under way, then of the next one. A driver that has died is not waited for: what it was at is as good as
 * before until somebody else becomes the driver. One that has left was stopped by somebody or by a fault, so its backfill rests, too.
 */
export async function workBeside(engine: Engine, once: boolean): Promise<Worked> {
  const steps = new Set<string>()
  // A server that was never reached, or a journal of another version, is told at once.
  await engine.journal.isOfThisVersion()
  const losses = lossesOf(engine)
  let [rows, told] = [0, '']
  while (!engine.isStopping()) {
    try {
      const open = await toDo(engine)
      if (typeof open === 'string' && once) break
      const because = typeof open === 'string' ? open : await pausedBy(engine, open)
      if (because !== undefined && because !== told) engine.notify({ type: 'waiting_for_backfill', because })
      told = because ?? ''
      if (typeof open !== 'string' && because === undefined)
        await help(engine, open, (more) => {
          rows += more
          steps.add(open.step.id)
        }).catch(async (error: unknown) => {
          // The next look says so.
          if (!(await isOfGone(engine, open, error))) throw error
        })
    } catch (error) {
      if (error instanceof BellowsError && error.code === 'interrupted') break
      await losses.wait(error, rows)
    }
    await engine.clock.sleep(LOOK_MS)
  }
  return { rows, steps: [...steps] }
}

/** What was lost is forgotten as soon as rows were done since. A batch that takes the server down each time is not tried for ever. */
function lossesOf(engine: Engine) {
  let [lost, rowsBefore] = [0, 0]
  return {
    /** @throws what is no loss that passes, and the one that is one too many */
    wait: async (error: unknown, rows: number): Promise<void> => {
      // Nobody works under this driver any more; it may be otherwise soon.
      if (error instanceof BellowsError && error.code === 'driver_lost') return
      lost = rows > rowsBefore ? 1 : lost + 1
      rowsBefore = rows
      if (!isServerLost(error) || lost > engine.settings.driver.reconnectsMax) throw error
      await awaitServer(engine, lost - 1, error)
    },
  }
}

/** Or why there is nothing. */
async function toDo(engine: Engine): Promise<Open | string> {
  if (!(await engine.journal.isOfThisVersion())) return NO_BACKFILL
  const open = await openPass(engine)
  if (open === undefined) return NO_BACKFILL
  if (!open.isDriven) return `${open.step.id} was stopped, and goes on with the next driver`
  if (!open.isLeft) return `all ranges of ${open.step.id} are filled, and its driver looks at the end`
  if (!(await hasGone(engine, open))) return open
  return `the partition "${open.step.table.name}" was dropped or renamed, and the driver of ${open.step.id} goes on, or the next one`
}

const NO_BACKFILL = 'no backfill is under way'

/**
 * What the driver may not go on for. Where it cannot tell any more, that is void after a moment, and its limits alone count; but what
 * nobody else can ask must be heard.
 */
async function pausedBy(
  engine: Engine,
  { run, step, checks = [], isUnheard }: Open,
): Promise<string | undefined> {
  if (checks.length > 0 && isUnheard)
    return `${step.id} is paused: its driver alone asks the checks ${checks.join(', ')}, and is not heard of`
  const brake = await readBrake(engine, run)
  return brake?.pace === 'pause' ? `${step.id} is paused: ${brake.because.join('; ')}` : undefined
}

async function help(engine: Engine, open: Open, count: (rows: number) => void): Promise<void> {
  const { run, step, pass, leaf, epoch, brake = engine.settings.brake, badRows } = open
  const { database, signals } = engine
  const { settings } = await withinDeadlocks(engine)
  // What holds the run back is for its driver to tell.
  const beside = {
    ...engine,
    settings: { ...settings, brake, batch: { ...settings.batch, ...badRows } },
    signals: { ...signals, tell: async () => undefined },
  }
  engine.notify({ type: 'working_on', step: step.id, table: step.table.name })
  const driver = await database.helpDriver(epoch)
  try {
    await braked({ ...beside, driver }, run, step, (working: Working) =>
      climb(working, {
        run,
        step,
        pass,
        ...(leaf === undefined ? {} : { leaf }),
        count,
        tell: teller(working, step.id),
        wanted: async () => {
          const now = await openRow(engine)
          if (!isStill(open, now)) return 0
          const isPaused = (await pausedBy(engine, { ...open, isUnheard: now.unheard })) !== undefined
          return isPaused ? 0 : askedWorkers(working)
        },
      }),
    )
  } finally {
    await driver.close()
  }
}

/** The driver may have gone on to another partition, begun anew with a table that was rewritten, or left. */
function isStill({ run, step, leaf, pass, epoch }: Open, now: OpenRow | undefined): now is OpenRow {
  return (
    now?.driven === true &&
    now.left &&
    now.state.epoch === epoch &&
    now.run === run &&
    now.step === step.id &&
    now.state.leaf?.oid === leaf?.oid &&
    now.state.file.filenode === pass.file.filenode
  )
}
