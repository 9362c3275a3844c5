import { readAudit } from './audit.ts'
import { readProgress } from './backfill/doing.ts'
import { estimate } from './backfill/estimate.ts'
import { readFilling } from './backfill/filling.ts'
import { keepComparing } from './backfill/keep-comparing.ts'
import { readQuarantine } from './backfill/quarantine.ts'
import { workBeside } from './backfill/work-beside.ts'
import type { Bellows, Changing, Looking } from './bellows.ts'
import { readBrake } from './brake/read-brake.ts'
import { brownOut } from './brownout.ts'
import { clientsOf } from './clients.ts'
import type { Driving, Engine } from './context.ts'
import { drive } from './drive.ts'
import { asDriver } from './driving.ts'
import { examine } from './examine.ts'
import { refuseWhileNeeded } from './gate.ts'
import { reportGates } from './gate-report.ts'
import { previewBaseline, readBaseline, readDrift, setBaseline } from './history.ts'
import { installing } from './installing.ts'
import { databaseName, describeTable, holdsMore, tablesWith } from './look.ts'
import { reap, schedulePurge } from './reap.ts'
import { rollBack, undo } from './return.ts'
import { askRollout } from './rollout/begin.ts'
import { driveRollout, rollOut } from './rollout/drive.ts'
import { readPastRollouts, readRollout, runRollingOut } from './rollout/look.ts'
import { refuseDeployment, refuseOvertaken } from './rollout/refuse.ts'
import { driveWorkloads, rollOutWorkloads, standingWorkloads } from './rollout/workloads.ts'
import { readRoom } from './room.ts'
import { readRuns } from './runs.ts'
import { asDropped } from './scheduled.ts'
import { findRun, planNow, startRun } from './start.ts'
import { throttle } from './throttle.ts'
import { readVersions, standVersion, withdrawVersion } from './versions.ts'
import { watchRun } from './watch-run.ts'

export function createBellows(engine: Engine): Bellows {
  return {
    ...looking(engine),
    install: () => engine.journal.install(),
    change: (work, options = {}) => {
      const settings = options.settings?.(engine.settings) ?? engine.settings
      const begun = new Map<number, number>()
      return asDriver({ ...engine, settings }, (driver) => work(changing({ ...driver, begun })))
    },
    schedulePurge: (run, graceMs) => schedulePurge(engine, run, graceMs),
    work: ({ once = false } = {}) => workBeside(engine, once),
    reap: () => reap(engine),
    watch: (run, tell = engine.notify) => watchRun(engine, run, tell),
    keepComparing: (run, closed) => keepComparing(engine, run, closed),
    throttle: (run, request) => throttle(engine, run, request),
    askRollout: (run, request) => askRollout(engine, run, request),
    instances: installing(engine),
    clients: clientsOf(engine),
    close: async () => {
      engine.kubernetes?.cluster.close()
      await Promise.all(engine.standbys.map((standby) => standby.close()))
      await engine.signals.close()
      await engine.database.close()
    },
  }
}

function looking(engine: Engine): Looking {
  return {
    plan: (migration) => planNow(engine, migration),
    estimate: (plan) => estimate(engine, plan),
    room: (plan) => readRoom(engine, plan),
    runs: (which = 'all') => readRuns(engine, which),
    run: (migration) => findRun(engine, migration),
    versions: () => readVersions(engine),
    brake: (run) => readBrake(engine, run),
    quarantine: (run) => readQuarantine(engine, run),
    checkpoint: (step) => engine.journal.checkpoint(step),
    table: (name) => describeTable(engine, name),
    holdsMore: (name, column, run) => holdsMore(engine, name, column, run),
    refuseWhileNeeded: (table, column) => refuseWhileNeeded(engine, { table, column }),
    gates: async (run, look) => reportGates(await asDropped(engine, run), run, look),
    rollout: (run) => readRollout(engine, run),
    pastRollouts: () => readPastRollouts(engine),
    workloads: () => standingWorkloads(engine),
    inventory: async () => engine.kubernetes?.cluster.inventory(),
    refuseDeployment: (migration, wish) => refuseDeployment(engine, migration, wish),
    refuseOvertaken: (migration, version) => refuseOvertaken(engine, migration, version),
    rollingOut: (version) => runRollingOut(engine, version),
    tablesWith: (namespace, column) => tablesWith(engine, namespace, column),
    name: () => databaseName(engine),
    examine: () => examine(engine),
    audit: () => readAudit(engine),
    baseline: () => readBaseline(engine),
    previewBaseline: (files) => previewBaseline(engine, files),
    drift: () => readDrift(engine),
    progress: (run) => readProgress(engine, run),
    filling: () => readFilling(engine),
    driver: async () => ((await engine.journal.isInstalled()) ? engine.database.holder() : undefined),
  }
}

function changing(engine: Driving): Changing {
  return {
    ...looking(engine),
    advance: async (migration, until, how) =>
      drive({ ...engine, ...how }, (await startRun(engine, migration)).id, until),
    resume: (run, until, how) => drive({ ...engine, ...how }, run, until),
    brownOut: (run, ms) => brownOut(engine, run, ms),
    rollOut: (run, wish, deployer) => rollOut(engine, run, wish, deployer),
    resumeRollout: (run, deployer) => driveRollout(engine, run, deployer),
    rollOutWorkloads: (run, wish) => rollOutWorkloads(engine, run, wish),
    resumeWorkloads: (run, waitMs) => driveWorkloads(engine, run, waitMs),
    undo: (run) => undo(engine, run),
    rollback: (run) => rollBack(engine, run),
    setBaseline: (files) => setBaseline(engine, files),
    withdraw: (run, version) => withdrawVersion(engine, run, version),
    stand: (run, change, rows) => standVersion(engine, run, change, rows),
  }
}
