import { spawn } from 'node:child_process'
import { get } from 'node:http'
import { messageOf } from '../../core/errors.ts'
import type { HealthCheck } from '../../core/processes/config.ts'
import type { CheckResult } from '../../core/processes/health.ts'
import type { Launch } from '../../core/processes/launch.ts'
import { codeOf } from '../os/error-parts.ts'

/** This process or this machine has run out of something: that says nothing about the instance. */
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN', 'EADDRNOTAVAIL'])
/** A timer that comes later than that was not heard in time, and neither was the answer. */
const STALL_MS = 500
const WORDS_MAX = 200

const PASSED: CheckResult = { outcome: 'passed' }
const UNMEASURED: CheckResult = { outcome: 'unmeasured' }
const failed = (because: string): CheckResult => ({ outcome: 'failed', because })

/** Where the instance is: what it listens on, and what a command of it is run with. */
export interface Checkable {
  readonly port: number | undefined
  readonly launch: Launch
}

/** Checks once. Never fails: what went wrong is a result. */
export async function check(how: HealthCheck, { port = 0, launch }: Checkable): Promise<CheckResult> {
  if (how.kind === 'alive') return PASSED
  const bound = timeLimit(how.timeoutMs)
  let ask: Ask | undefined
  try {
    ask = how.kind === 'http' ? askHttp(port, how.path) : askCommand(launch)
    return await Promise.race([ask.result, bound.result])
  } catch (error) {
    return OURS.has(codeOf(error) ?? '') ? UNMEASURED : failed(messageOf(error))
  } finally {
    bound.clear()
    ask?.end()
  }
}

/** Checks again and again, with a pause between, until it is told to stop. */
export function keepChecking(
  once: () => Promise<CheckResult>,
  intervalMs: number,
  onResult: (result: CheckResult) => void,
): () => void {
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  const next = async (): Promise<void> => {
    const result = await once()
    if (isStopped) return
    onResult(result)
    timer = setTimeout(() => void next(), intervalMs)
  }
  void next()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

interface Ask {
  readonly result: Promise<CheckResult>
  end(): void
}

function askHttp(port: number, path: string): Ask {
  const asked = get({ host: '127.0.0.1', port, path, agent: false })
  const result = new Promise<CheckResult>((resolve, reject) => {
    asked.once('error', reject)
    asked.once('response', (answer) => {
      const { statusCode = 0 } = answer
      if (statusCode >= 200 && statusCode < 300) resolve(PASSED)
      let text = ''
      const tell = (): void => resolve(failed(`answered ${statusCode} ${text.slice(0, WORDS_MAX)}`.trim()))
      answer.setEncoding('utf8').once('error', reject).once('end', tell)
      answer.on('data', (more: string) => {
        text += more
        if (text.length >= WORDS_MAX) tell()
      })
    })
  })
  return { result, end: () => void asked.on('error', () => undefined).destroy() }
}

/** The check may start others, so all of its group is ended with it. */
function askCommand({ command: [program = '', ...args], cwd, env }: Launch): Ask {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: 'ignore',
    detached: true,
  })
  const result = new Promise<CheckResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? PASSED : failed(`the check ended with ${signal ?? `exit code ${code}`}`)),
    )
  })
  const end = (): void => {
    const { pid, exitCode, signalCode } = child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile, or has become another user's, as under sudo.
    }
  }
  return { result, end }
}

function timeLimit(timeoutMs: number): { readonly result: Promise<CheckResult>; clear(): void } {
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  const result = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => {
      const isStalled = performance.now() - began > timeoutMs + STALL_MS
      resolve(isStalled ? UNMEASURED : failed(`no answer within ${timeoutMs / 1_000} s`))
    }, timeoutMs)
  })
  return { result, clear: () => clearTimeout(timer) }
}
