import type { Migration } from '../core/operations/operation.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { Phase } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import { sql } from '../core/sql.ts'
import type { Driving, Engine } from './context.ts'
import { drive, rollBack, undo, withdraw } from './drive.ts'
import { asDriver } from './driving.ts'
import type { Checkpoint, Instances } from './ports.ts'
import { findRun, planFor, readRuns, startRun } from './start.ts'

/** A version of the schema that stands, as the journal numbered it. */
export interface Version {
  readonly version: number
  readonly run: number
  readonly name: string
  readonly step: string
  /** The table's shape right after it. */
  readonly shape: string
  readonly rows?: number
  readonly backwardCompatible?: boolean
}

/** Everything that can be done to a database. Each call may be repeated: what is done already is not done again. */
export interface Bellows {
  /** What a migration would do. Changes nothing, and needs nothing installed. */
  plan(migration: Migration): Promise<Plan>
  /** Begins the migration, or takes up its run, and goes on to the end of a phase. */
  advance(migration: Migration, until: Phase): Promise<Run>
  /** Goes on with a run that was begun, to the end of a phase. */
  resume(run: number, until: Phase): Promise<Run>
  /** Brings a hidden column back. */
  undo(run: number): Promise<Run>
  /** Takes a run back to the start, from anywhere before purge. */
  rollback(run: number): Promise<Run>
  /** Takes back the number of a backfill and makes it pending again. */
  withdraw(run: number, version: Pick<Version, 'version' | 'name'>): Promise<void>
  runs(): Promise<readonly Run[]>
  /** Of a migration, by name; one that was rolled back counts as none. */
  run(migration: string): Promise<Run | undefined>
  versions(): Promise<readonly Version[]>
  checkpoint(step: string): Promise<Checkpoint | undefined>
  readonly instances: Instances
  close(): Promise<void>
}

export function createBellows(engine: Engine): Bellows {
  const driving = <R>(work: (driver: Driving) => Promise<R>) => asDriver(engine, work)
  return {
    plan: (migration) => planFor(engine, migration),
    advance: (migration, until) =>
      driving(async (driver) => {
        const run = await startRun(driver, migration)
        return await drive(driver, run.id, until)
      }),
    resume: (run, until) => driving((driver) => drive(driver, run, until)),
    undo: (run) => driving((driver) => undo(driver, run)),
    rollback: (run) => driving((driver) => rollBack(driver, run)),
    withdraw: (run, version) => driving((driver) => withdraw(driver, run, version)),
    runs: () => readRuns(engine),
    run: (migration) => findRun(engine, migration),
    versions: () => versions(engine),
    checkpoint: (step) => engine.journal.checkpoint(step),
    instances: installing(engine),
    close: () => engine.database.close(),
  }
}

/** The registry is there as soon as somebody wants to enter it, not only after the first migration. */
function installing({ instances, journal }: Engine): Instances {
  const ready = async () => {
    await journal.install()
    return instances
  }
  return {
    register: async (registration) => (await ready()).register(registration),
    renew: async (instance, uses, health) => (await ready()).renew(instance, uses, health),
    release: async (instance) => (await ready()).release(instance),
    list: async () => (await ready()).list(),
    needing: async (table, column, grace) => (await ready()).needing(table, column, grace),
  }
}

async function versions(engine: Engine): Promise<readonly Version[]> {
  if (!(await engine.journal.isInstalled())) return []
  const rows = await engine.database.read<
    Omit<Version, 'rows'> & { facts: { rows?: number; backwardCompatible?: boolean } }
  >(sql`select version, run, name, step, shape, facts from bellows.version order by version`)
  return rows.map(({ facts, ...version }) => ({
    ...version,
    ...(facts.rows === undefined ? {} : { rows: facts.rows }),
    ...(facts.backwardCompatible === true ? { backwardCompatible: true } : {}),
  }))
}
