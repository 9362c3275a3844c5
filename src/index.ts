export { readMigration, readMigrations } from './adapters/files/read-migrations.ts'
export {
  type DemoDatabase,
  type DemoOptions,
  type OpenOptions,
  openBellows,
  processDeployer,
  type SuperviseOptions,
  type Supervisor,
  startDemoDatabase,
  superviseProcesses,
} from './compose.ts'
export { BellowsError, ERROR_CODES, type ErrorCode } from './core/errors.ts'
export {
  columnNameProblem,
  cutToBytes,
  IDENTIFIER_BYTES_MAX,
  identifierProblem,
} from './core/identifier.ts'
export type { AddColumn } from './core/operations/add-column.ts'
export type { DropColumn } from './core/operations/drop-column.ts'
export type { Migration, Operation } from './core/operations/migration.ts'
export type { RenameColumn } from './core/operations/rename/rename.ts'
export { lockWords } from './core/plan/locks.ts'
export type { Plan } from './core/plan/plan.ts'
export { type Change, type Hazard, type Lock, type Phase, type Step, versionName } from './core/plan/step.ts'
export type { HealthCheck, ProcessesConfig, ProcessRole } from './core/processes/config.ts'
export type { FleetInstance, Health, Placement } from './core/rollout/fleet.ts'
export type { Finding } from './core/run/diagnosis.ts'
export type { Event, Notice, Progress, Verdict } from './core/run/event.ts'
export type { GateCheck, Usage } from './core/run/gate.ts'
export type { Run } from './core/run/run.ts'
export type { RunState } from './core/run/transitions.ts'
export type { QualifiedName } from './core/schema/model.ts'
export type { Bellows, Changing, Looking } from './engine/bellows.ts'
export type { GateReport } from './engine/gate.ts'
export type { TableShape } from './engine/look.ts'
export type { Checkpoint, Deployer, Instance, Registered, Registration } from './engine/ports.ts'
export type { Version } from './engine/versions.ts'
