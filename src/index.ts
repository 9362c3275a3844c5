export { type CommandDeployerOptions, commandDeployer } from './adapters/command/deployer.ts'
export {
  defineMigration,
  type MigrationInput,
  type OperationInput,
} from './adapters/files/define-migration.ts'
export {
  checksumOf,
  listMigrations,
  type MigrationFile,
  migrationSchema,
  readMigration,
  readMigrations,
} from './adapters/files/read-migrations.ts'
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
export { DEFAULT_ROLLOUT, type RolloutChange, rolloutRules } from './config.ts'
export { BellowsError, ERROR_CODES, type ErrorCode } from './core/errors.ts'
export {
  CHECK_NAMES,
  type CheckName,
  type GateCheck,
  type Offender,
  type Override,
} from './core/gate/check.ts'
export { NEVER_OVERRIDDEN } from './core/gate/checks.ts'
export type { DeclaredClient } from './core/gate/clients.ts'
export type { Usage } from './core/gate/gate.ts'
export type { Instance, Registered, Registration } from './core/gate/instance.ts'
export { shortList } from './core/gate/short-list.ts'
export type { Look } from './core/gate/stood.ts'
export type { Baseline } from './core/history/baseline.ts'
export { combined, namesOf, partsOf } from './core/history/combine.ts'
export type { Difference, Reprinted, SchemaDrift } from './core/history/drift.ts'
export {
  begunNames,
  checkFiles,
  type FileFinding,
  type History,
  latecomers,
  type SeenFile,
} from './core/history/files.ts'
export {
  columnNameProblem,
  cutToBytes,
  IDENTIFIER_BYTES_MAX,
  identifierProblem,
} from './core/identifier.ts'
export type { AddColumn } from './core/operations/add/add.ts'
export type { AddConstraint } from './core/operations/add-constraint.ts'
export type { AlterColumn } from './core/operations/alter/alter.ts'
export type { DropColumn } from './core/operations/drop/drop.ts'
export type { DropConstraint } from './core/operations/drop-constraint.ts'
export type { Migration, Operation } from './core/operations/migration.ts'
export type { RenameColumn } from './core/operations/rename/rename.ts'
export type { RenameConstraint } from './core/operations/rename-constraint.ts'
export { type Change, versionName } from './core/plan/change.ts'
export type { Estimate } from './core/plan/estimate.ts'
export type { Hazard } from './core/plan/hazard.ts'
export { called } from './core/plan/leaver.ts'
export { lockWords } from './core/plan/locks.ts'
export type { Plan } from './core/plan/plan.ts'
export type { Lock, Phase, Step } from './core/plan/step.ts'
export type { HealthCheck, InstanceRules, ProcessesConfig, ProcessRole } from './core/processes/config.ts'
export type { RolloutWish } from './core/rollout/begin.ts'
export type { RoleWish, RolloutEvent, RolloutRequest } from './core/rollout/event.ts'
export type { FleetInstance, Health, Placement } from './core/rollout/fleet.ts'
export { type Inventory, inventoryWarnings, type OldVerdict, oldGone } from './core/rollout/inventory.ts'
export type { PastRollout } from './core/rollout/past.ts'
export { previewOf, type RolloutPreview } from './core/rollout/preview.ts'
export { type InstanceLine, instanceLines } from './core/rollout/report.ts'
export type { Rollout } from './core/rollout/rollout.ts'
export type { Check, CheckResult, Command, RolloutRules } from './core/rollout/rules.ts'
export { patternProblem } from './core/rollout/seen-version.ts'
export { rolloutEventText } from './core/rollout/tell.ts'
export type { KubernetesDeploy, PodFacts, Workload, WorkloadFacts } from './core/rollout/workload.ts'
export type { WorkloadRollout } from './core/rollout/workload-rollout.ts'
export type { Finding } from './core/run/diagnosis.ts'
export type { Actor, Braked, Event, Notice, Progress, Verdict } from './core/run/event.ts'
export { heldBack } from './core/run/horizon-holders.ts'
export {
  type Quarantine,
  type QuarantinedRow,
  quarantinedText,
  quarantineText,
} from './core/run/quarantine.ts'
export type { Run } from './core/run/run.ts'
export type { RunState } from './core/run/transitions.ts'
export type { QualifiedName } from './core/schema/model.ts'
export { SHARE_MIN } from './core/throttle/limits.ts'
export type { ThrottleRequest } from './core/throttle/request.ts'
export { isShort, type Room, roomText } from './core/throttle/room.ts'
export { bytesText } from './core/throttle/words.ts'
export type { AuditEntry } from './engine/audit.ts'
export type { Filling } from './engine/backfill/filling.ts'
export type { Worked } from './engine/backfill/work-beside.ts'
export type { Bellows, Changing, Looking } from './engine/bellows.ts'
export type { BrakeState } from './engine/brake/read-brake.ts'
export type { Acknowledgement, Client, Clients } from './engine/clients.ts'
export type { GateReport } from './engine/gate-report.ts'
export type { BaselineReport } from './engine/history.ts'
export type { TableShape } from './engine/look.ts'
export type { Checkpoint, Deployer } from './engine/ports.ts'
export type { Reaped } from './engine/reap.ts'
export type { DeploymentWish } from './engine/rollout/refuse.ts'
export type { WorkloadWish } from './engine/rollout/workloads.ts'
export type { Version } from './engine/versions.ts'
