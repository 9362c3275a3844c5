import { messageOf } from '../../core/errors.ts'
import { readQuery } from '../../core/parse.ts'
import type { Check, CheckResult, Command } from '../../core/rollout/rules.ts'
import { sql } from '../../core/sql.ts'
import type { Checks, Database } from '../../engine/ports.ts'

/** What the checks need beside the network. */
export interface CheckTools {
  readonly database: Pick<Database, 'readOnly'>
  readonly runCommand: (call: { readonly command: Command; readonly timeoutMs: number }) => Promise<{
    readonly code?: number
    readonly problem?: string
    readonly out: string
    readonly err: string
  }>
}

/** Asks the database, a URL or a command. Only a clear no is a failure: what could not be measured is unknown. */
export function systemChecks(tools: CheckTools): Checks {
  return {
    ask: async (check, timeoutMs) => {
      try {
        return await asked(tools, check, timeoutMs)
      } catch (error) {
        return unknown(messageOf(error))
      }
    },
  }
}

async function asked(tools: CheckTools, check: Check, timeoutMs: number): Promise<CheckResult> {
  if ('sql' in check) return await askDatabase(tools, check.sql, timeoutMs)
  if ('http' in check) return await askUrl(check.http, timeoutMs)
  return await askCommand(tools, check.command, timeoutMs)
}

async function askDatabase({ database }: CheckTools, text: string, timeoutMs: number): Promise<CheckResult> {
  const query = readQuery(text)
  if (typeof query === 'object') return unknown(`the query cannot be read: ${query.problem}`)
  const [answer] = await database.readOnly<{ holds: boolean | null }>(
    sql`select (${query})::boolean as holds`,
    timeoutMs,
  )
  const holds = answer?.holds ?? null
  if (holds === null) return unknown('the query returns null')
  return holds ? pass('the query returns true') : fail('the query returns false')
}

async function askUrl(url: string, timeoutMs: number): Promise<CheckResult> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) }).catch(
    (error: unknown) => unreachable(url, error),
  )
  if ('outcome' in response) return response
  await response.body?.cancel()
  const told = `${url} answers ${response.status}`
  if (response.ok) return pass(told)
  return response.status >= 400 ? fail(told) : unknown(told)
}

/** The reason is in the cause: the error itself says only that fetching failed. */
function unreachable(url: string, error: unknown): CheckResult {
  const { cause, message } = error as Error & { readonly cause?: { readonly message?: string } }
  return unknown(`${url} cannot be reached: ${cause?.message || message}`)
}

async function askCommand(tools: CheckTools, command: Command, timeoutMs: number): Promise<CheckResult> {
  const { code, problem, out, err } = await tools.runCommand({ command, timeoutMs })
  const said = lastLine(err) || lastLine(out)
  const told = `the command ${problem ?? `ended with exit code ${code}`}${said === '' ? '' : `: ${said}`}`
  if (code === 0) return pass(told)
  return code === 1 ? fail(told) : unknown(told)
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? ''
}

function pass(because: string): CheckResult {
  return { outcome: 'pass', because }
}

function fail(because: string): CheckResult {
  return { outcome: 'fail', because }
}

function unknown(because: string): CheckResult {
  return { outcome: 'unknown', because }
}
