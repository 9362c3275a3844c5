import type { Change } from '../plan/change.ts'
import type { AddColumn } from './add/add.ts'
import type { AddConstraint } from './add-constraint.ts'
import type { AddEnumValue } from './add-enum-value.ts'
import type { AlterColumn } from './alter/alter.ts'
import type { ChangeType } from './change-type/change.ts'
import type { CreateIndex } from './create-index.ts'
import type { CreateObject } from './create-object.ts'
import type { CreateTable } from './create-table/create-table.ts'
import type { DetachPartition } from './detach-partition.ts'
import type { AlterDomain } from './domain/domain.ts'
import type { DropColumn } from './drop/drop.ts'
import type { DropConstraint } from './drop-constraint.ts'
import type { DropIndex } from './drop-index.ts'
import type { DropObject } from './drop-object.ts'
import type { DropTable } from './drop-table.ts'
import type { Grant, Revoke } from './grant/privileges.ts'
import type { MergeColumns } from './merge-columns.ts'
import type { MoveColumn } from './move/move.ts'
import type { AttachPartition } from './partition/attach.ts'
import type { RemoveEnumValue } from './remove-enum-value/removal.ts'
import type { RenameColumn } from './rename/rename.ts'
import type { RenameConstraint } from './rename-constraint.ts'
import type { RenameEnumValue } from './rename-enum-value.ts'
import type { RenameIndex } from './rename-index.ts'
import type { RenameTable } from './rename-table.ts'
import type { ReplaceIndex } from './replace-index.ts'
import type { ReplaceObject } from './replace-object.ts'
import type { SetTable } from './set-table/set-table.ts'
import type { SplitColumn } from './split-column.ts'
import type { RunSql } from './sql/run-sql.ts'

export type Operation =
  | AddColumn
  | AddConstraint
  | AddEnumValue
  | AlterColumn
  | AttachPartition
  | AlterDomain
  | ChangeType
  | CreateIndex
  | CreateObject
  | CreateTable
  | DetachPartition
  | DropColumn
  | DropConstraint
  | DropIndex
  | DropObject
  | DropTable
  | Grant
  | MergeColumns
  | MoveColumn
  | RemoveEnumValue
  | RenameColumn
  | RenameConstraint
  | RenameEnumValue
  | RenameIndex
  | RenameTable
  | ReplaceIndex
  | ReplaceObject
  | Revoke
  | RunSql
  | SetTable
  | SplitColumn

/** A named, ordered list of operations: what a person writes in one file. */
export interface Migration {
  /** Such as `0007_add_slug`; unique among the migrations of a database. */
  readonly name: string
  readonly operations: readonly Operation[]
  /** Of several that are released as one: the migrations in their order, each with how many of the operations are its. */
  readonly parts?: readonly { readonly name: string; readonly operations: number }[]
  /** A run in the opposite direction: it makes no versions but takes these back, when the phase is done. */
  readonly reverses?: {
    readonly [P in 'backfill' | 'purge']?: readonly (VersionRef & { readonly change: Change })[]
  }
}

/** A version in the history, by its number and its name. */
export interface VersionRef {
  readonly version: number
  readonly name: string
}
