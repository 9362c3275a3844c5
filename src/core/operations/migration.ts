import type { Change } from '../plan/change.ts'
import type { AddColumn } from './add/add.ts'
import type { AddConstraint } from './add-constraint.ts'
import type { AlterColumn } from './alter/alter.ts'
import type { ChangeType } from './change-type/change.ts'
import type { CreateIndex } from './create-index.ts'
import type { CreateTable } from './create-table/create-table.ts'
import type { DropColumn } from './drop/drop.ts'
import type { DropConstraint } from './drop-constraint.ts'
import type { DropIndex } from './drop-index.ts'
import type { DropTable } from './drop-table.ts'
import type { MergeColumns } from './merge-columns.ts'
import type { RenameColumn } from './rename/rename.ts'
import type { RenameConstraint } from './rename-constraint.ts'
import type { RenameIndex } from './rename-index.ts'
import type { RenameTable } from './rename-table.ts'
import type { ReplaceIndex } from './replace-index.ts'
import type { SetTable } from './set-table/set-table.ts'
import type { SplitColumn } from './split-column.ts'

export type Operation =
  | AddColumn
  | AddConstraint
  | AlterColumn
  | ChangeType
  | CreateIndex
  | CreateTable
  | DropColumn
  | DropConstraint
  | DropIndex
  | MergeColumns
  | DropTable
  | RenameColumn
  | RenameConstraint
  | RenameIndex
  | RenameTable
  | ReplaceIndex
  | SplitColumn
  | SetTable

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
