import { shownType } from '../operations/enum/enum.ts'
import { type ValueRename, valueRenames } from '../operations/enum/renames.ts'
import { lit } from '../sql.ts'
import type { Plan } from './plan.ts'
import { saysName, textsIn } from './removed-values.ts'

/**
 * The value of an enum that one of two plans gives another name, and that the other one says: that is made of what the catalog said
 * as it was planned, and fails behind the rename, or behind its rollback.
 */
export function renamedValueOfBoth(one: Plan, other: Plan): string | undefined {
  return [...saidBeside(one, other), ...saidBeside(other, one)][0]
}

function saidBeside({ migration }: Plan, beside: Plan): readonly string[] {
  return migration.operations
    .flatMap(valueRenames)
    .flatMap((rename) =>
      [rename.from, rename.to]
        .filter((value) => says(beside, rename, value))
        .map((value) => `the value '${value}' of ${shownType(rename)}`),
    )
}

/** What our own bodies compare with a text of the server is no value of an enum. */
const TEXTS = /\b(?:tg_op|current_setting\('+[\w.]+'+(?:, true)?\)) operator\(pg_catalog\.(?:=|<>)\) '+\w+'+/g

/** A statement may name a value without its type; what else a plan has of SQL is full of short texts that are no such value. */
function says({ steps, rollback }: Plan, { type }: ValueRename, value: string): boolean {
  const all = [...steps, ...rollback]
  const quoted: string = lit(value)
  const statements = textsIn(
    all.flatMap((step) => [
      'statements' in step ? step.statements : [],
      'statement' in step ? step.statement : [],
    ]),
  )
  return (
    statements.some((text) => text.replace(TEXTS, '').includes(quoted)) ||
    textsIn(all).some((text) => saysName(text, type) && stands(text, quoted.replace(/^ e/, '').slice(1, -1)))
  )
}

/** By itself, or in an array, which stands there as one text. */
function stands(text: string, value: string): boolean {
  const [before = '', ...more] = text.split(value)
  let end = before
  return more.some((rest) => {
    const isWhole = /["'{,]$/.test(end) && /^["'},]/.test(rest)
    end = rest
    return isWhole
  })
}
