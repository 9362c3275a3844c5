export { type CommandDeployerOptions, commandDeployer } from './adapters/command/deployer.ts'
export { readMigration, readMigrations } from './adapters/files/read-migrations.ts'
export {
  type DemoDatabase,
  type DemoOptions,
  type OpenOptions,
  openBellows,
  startDemoDatabase,
} from './compose.ts'
export { DEFAULT_ROLLOUT, type RolloutChange, rolloutRules } from './config.ts'
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
export type { RolloutWish } from './core/rollout/begin.ts'
export type { RoleWish, RolloutEvent, RolloutRequest } from './core/rollout/event.ts'
export type { FleetInstance, Health, Placement } from './core/rollout/fleet.ts'
export { previewOf, type RolloutPreview } from './core/rollout/preview.ts'
export { type InstanceLine, instanceLines } from './core/rollout/report.ts'
export type { Rollout } from './core/rollout/rollout.ts'
export type { Check, CheckResult, Command, RolloutRules } from './core/rollout/rules.ts'
export { rolloutEventText } from './core/rollout/tell.ts'
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
