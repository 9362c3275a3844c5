import { hasControlCharacter, parsed } from '../parse.ts'

interface Statement {
  readonly AlterTableStmt?: {
    readonly cmds?: readonly {
      readonly AlterTableCmd?: {
        readonly subtype?: string
        readonly def?: { readonly PartitionCmd?: { readonly bound?: { readonly is_default?: boolean } } }
      }
    }[]
  }
}

/** What is wrong with the bounds of a partition, as a person writes them. They stand at the end of a statement, and nothing behind them. */
export function boundsProblem(bounds: string): string | undefined {
  if (hasControlCharacter(bounds)) return 'it contains a control character'
  // What comes behind it must still be a statement of its own: a comment at the end would take that along.
  const found = parsed(`alter table t attach partition p ${bounds}; select 1`)
  if ('problem' in found) return found.problem
  const [statement, ...more] = found as readonly Statement[]
  const commands = statement?.AlterTableStmt?.cmds ?? []
  const command = commands[0]?.AlterTableCmd
  if (more.length !== 1 || commands.length !== 1 || command?.subtype !== 'AT_AttachPartition')
    return 'it is more than the bounds of one partition'
  return command.def?.PartitionCmd?.bound?.is_default === true
    ? 'a default partition has no bounds of its own: make one, empty, by CREATE TABLE … PARTITION OF … DEFAULT, and move the rows to it'
    : undefined
}
