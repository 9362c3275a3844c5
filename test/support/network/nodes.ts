import type { Journal } from './journal.ts'
import { type Message, readMessage } from './message.ts'
import {
  type Command,
  type Ending,
  type Hearing,
  type KillPoint,
  type NodeProcess,
  spawnNode,
} from './process.ts'

export interface NodesOptions {
  readonly nodes: Readonly<Record<string, Command>>
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

export interface Surroundings {
  readonly journal: Journal
  isKnown(id: string): boolean
  message(message: Message): void
  /** A rule was broken, or a node ended that nobody had ended. */
  failed(text: string): void
}

export interface Nodes {
  has(id: string): boolean
  isRunning(node: string): boolean
  spawn(node: string): void
  deliver(message: Message): void
  write(node: string, text: string): void
  pause(node: string): void
  resume(node: string): void
  kill(node: string, point?: KillPoint): Promise<Ending>
  killAll(): Promise<void>
  closeInput(node: string): Promise<Ending>
  stderrOf(node: string): string
  ending(node: string): Promise<Ending>
}

/** The processes, by the id of their node: of each the one that was started last. */
export function createNodes(options: NodesOptions, around: Surroundings): Nodes {
  const { journal } = around
  const processes = new Map<string, NodeProcess>()
  let lastMessageId = 0

  function of(node: string): NodeProcess {
    const process = processes.get(node)
    if (process === undefined) throw journal.error(`no process of ${node} was started`)
    return process
  }

  const isRunning = (node: string): boolean => processes.get(node)?.isRunning() === true

  return {
    has: (id) => Object.hasOwn(options.nodes, id),
    isRunning,
    spawn(node) {
      const command = options.nodes[node]
      if (command === undefined || isRunning(node)) throw journal.error(`${node} is unknown, or runs already`)
      journal.note('spawned', node, { text: command.join(' ') })
      const { cwd, env } = options
      const hearing = hearingOf(node, around, () => of(node).stderr())
      processes.set(node, spawnNode(command, { ...(cwd && { cwd }), ...(env && { env }) }, hearing))
    },
    deliver(message) {
      const { dest } = message
      journal.note(isRunning(dest) ? 'delivered' : 'lost', dest, { message })
      lastMessageId += 1
      // The id is the network's own; a node has to leave it alone.
      if (isRunning(dest)) of(dest).deliver(`${JSON.stringify({ id: lastMessageId, ...message })}\n`)
    },
    write(node, text) {
      journal.note('written', node, { text })
      of(node).write(text)
    },
    pause(node) {
      journal.note('paused', node)
      of(node).signal('SIGSTOP')
    },
    resume(node) {
      journal.note('resumed', node)
      of(node).signal('SIGCONT')
    },
    kill(node, point) {
      journal.note('killing', node, { text: point === undefined ? 'now' : `at ${point.at} ${point.count}` })
      return point === undefined ? of(node).kill() : of(node).killAt(point)
    },
    async killAll() {
      await Promise.all([...processes.values()].map((process) => process.kill()))
    },
    closeInput(node) {
      journal.note('input closed', node)
      return of(node).endInput()
    },
    stderrOf: (node) => of(node).stderr(),
    ending: (node) => of(node).ending,
  }
}

function hearingOf(node: string, around: Surroundings, stderr: () => string): Hearing {
  const { journal } = around
  return {
    line(text) {
      journal.note('said', node, { text })
      const message = readMessage(text, node, (id) => around.isKnown(id))
      if (typeof message === 'string') around.failed(`${node} wrote a line ${message}: ${text}`)
      else around.message(message)
    },
    cut(text, isKilled) {
      journal.note('cut', node, { text })
      if (!isKilled) around.failed(`${node} ended within a line: ${text}`)
    },
    ended({ code, signal }, isExpected) {
      const text = signal ?? `exit code ${code}`
      journal.note('exited', node, { text })
      if (!isExpected) around.failed(`${node} crashed (${text}): ${stderr()}`)
    },
    failedToStart: (error) => around.failed(`${node} could not be started: ${error.message}`),
  }
}
