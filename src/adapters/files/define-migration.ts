import type { z } from 'zod'
import type { OPERATION_FORMATS } from './migration-format.ts'

type Formats = typeof OPERATION_FORMATS
type Kind = keyof Formats

/** An operation as a file has it: an object with one key, its kind. */
export type OperationInput = {
  readonly [K in Kind]: { readonly [P in K]: Readonly<z.input<Formats[P]>> } & {
    readonly [P in Exclude<Kind, K>]?: never
  }
}[Kind]

/** What a migration file holds. */
export interface MigrationInput {
  readonly operations: readonly OperationInput[]
}

/** The default export of a migration file in TypeScript: gives back what it gets, and lets the compiler look at it. */
export function defineMigration(migration: MigrationInput): MigrationInput {
  return migration
}
