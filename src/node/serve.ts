import type { Readable, Writable } from 'node:stream'
import type { SettingsChange } from '../config.ts'
import { type Bellows, type DemoDatabase, openBellows, startDemoDatabase } from '../index.ts'
import { WIRE } from './codes.ts'
import { type Envelope, type Request, readEnvelope } from './envelope.ts'
import { createFraming, type Frame } from './framing.ts'
import type { Answer, NodeRules } from './handler.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { createIdentity, type Identity } from './init.ts'
import { createOutput, type Output } from './output.ts'
import { type Replies, type Reply, type ReplyForm, refuse, reply } from './reply.ts'
import { answered, errorAnswer, refusal } from './requests.ts'
import { createSplitter, LINE_BYTES_MAX, type Line } from './splitter.ts'

export interface NodeOptions extends NodeRules {
  /** A database that is there already. */
  readonly database?: string
  /** Keeps the embedded database in a folder. */
  readonly dataFolder?: string
  readonly application: string
  readonly replies: Replies
  readonly lineBytesMax?: number
  readonly requireInstances: boolean
  readonly allowNoInstances: boolean
  readonly settings: SettingsChange
}

export interface Streams {
  readonly input: Readable
  readonly output: Writable
  readonly log: (line: string) => void
  /** Given when the process is asked to end: finish the batch, accept nothing more. */
  readonly stop: AbortSignal
}

/** Rows of the demo's table. */
const DEMO_ROWS = 1_000
/** Others may work for long; who sends a message says by `max_lock_duration_ms` that it does not want to wait. */
const WAIT_MS = 24 * 3_600_000

/** Serves JSON lines until the input ends. Everything that was accepted is answered before it returns. */
export async function serve(options: NodeOptions, streams: Streams): Promise<void> {
  const database = openDatabase(options, streams.stop)
  // Whoever asks first hears of a failed start; until then it must not end the process.
  database.catch(() => undefined)
  const node: Serving = {
    database,
    identity: createIdentity(),
    inbox: createInbox(),
    output: createOutput(streams.output),
    framing: createFraming(options.lineBytesMax ?? LINE_BYTES_MAX),
    options,
    streams,
    behind: new Set(),
  }
  await readAll(node)
  await settled(node)
  await node.output.flush()
  const opened = await database.catch(() => undefined)
  await opened?.bellows.close()
  await opened?.demo?.stop()
}

interface Opened {
  readonly bellows: Bellows
  readonly demo: DemoDatabase | undefined
}

interface Serving {
  readonly database: Promise<Opened>
  readonly identity: Identity
  readonly inbox: Inbox
  readonly output: Output
  readonly framing: ReturnType<typeof createFraming>
  readonly options: NodeOptions
  readonly streams: Streams
  /** Work that goes on although its request was answered. */
  readonly behind: Set<Promise<unknown>>
}

async function openDatabase(options: NodeOptions, stop: AbortSignal): Promise<Opened> {
  const { dataFolder, application } = options
  const demo =
    options.database === undefined
      ? await startDemoDatabase({ rows: DEMO_ROWS, ...(dataFolder === undefined ? {} : { dataFolder }) })
      : undefined
  const bellows = await openBellows({
    database: demo?.url ?? options.database ?? '',
    application,
    isStopping: () => stop.aborted,
    settings: {
      ...options.settings,
      driver: { waitMs: WAIT_MS, ...options.settings.driver },
      gate: { ...ON_THE_WIRE, ...options.settings.gate, ...whenNoneRegistered(options, demo) },
    },
  })
  return { bellows, demo }
}

/** The protocol knows instances and nobody else, and an answer that nobody waits a minute for. */
const ON_THE_WIRE: SettingsChange['gate'] = { unregistered: 'allow', quietMs: 0 }

/** Only a database that this node has just made can have no client that nobody told of. */
function whenNoneRegistered(options: NodeOptions, demo: DemoDatabase | undefined): SettingsChange['gate'] {
  if (options.requireInstances) return { whenNoneRegistered: 'refuse' }
  if (options.allowNoInstances) return { whenNoneRegistered: 'allow', reason: '--allow-no-instances' }
  if (demo?.isNew === true)
    return { whenNoneRegistered: 'allow', reason: 'the demo database of this node, new and its own' }
  return { whenNoneRegistered: 'refuse' }
}

async function readAll(node: Serving): Promise<void> {
  const { input } = node.streams
  const splitter = createSplitter(node.options.lineBytesMax ?? LINE_BYTES_MAX)
  const quit = () => input.destroy()
  // Until the work has stopped, whoever still asks is told that this node is going.
  node.streams.stop.addEventListener('abort', () => void settled(node).then(quit), { once: true })
  void node.output.closed.then(quit)
  try {
    for await (const chunk of input) {
      for (const line of splitter.push(chunk as Buffer)) await readLine(node, line)
    }
    for (const line of splitter.end()) await readLine(node, line)
  } catch (error) {
    // Destroying the input is how reading ends early.
    if (!input.destroyed) throw error
  }
  for (const frame of node.framing.end()) await readFrame(node, frame)
}

/** Ends once nothing is under way, whether somebody waits for it or not. */
async function settled({ inbox, behind }: Serving): Promise<void> {
  await inbox.idle()
  await Promise.allSettled(behind)
}

async function readLine(node: Serving, line: Line): Promise<void> {
  for (const frame of node.framing.push(line)) await readFrame(node, frame)
}

async function readFrame(node: Serving, frame: Frame): Promise<void> {
  const envelope = readEnvelope(frame)
  if (frame.kind === 'malformed') node.streams.log(`ignored: ${frame.reason}: ${frame.excerpt}`)
  const replied = replyTo(node, envelope)
  // Reading goes on while a reply is made; only when too much piles up does it wait.
  void replied?.then((line) => node.output.write(line.line))
  await node.inbox.room()
}

function replyTo(node: Serving, envelope: Envelope): Promise<Reply> | undefined {
  const { inbox, identity, options, streams } = node
  if (envelope.kind === 'ignored') {
    streams.log(`ignored: ${envelope.reason}`)
    return undefined
  }
  const form = (): ReplyForm => ({ replies: options.replies, nodeId: identity.nodeId() })
  if (envelope.kind === 'refused') return inbox.inTurn(envelope.src, async () => refuse(envelope, form()))
  if (envelope.body.type === 'init') {
    // Read at once, because it changes how the lines behind it are read; answered in its turn.
    const answer = initAnswer(node, envelope)
    return inbox.inTurn(envelope.src, async () => reply(envelope, form(), answer))
  }
  return inbox.take(envelope, async () => reply(envelope, form(), await answer(node, envelope)))
}

function initAnswer({ identity, framing }: Serving, { body }: Request): Answer {
  try {
    const answer = identity.init(body)
    framing.expectOneLine()
    return answer
  } catch (error) {
    return errorAnswer(error)
  }
}

async function answer(node: Serving, { body }: Request): Promise<Answer> {
  if (node.streams.stop.aborted) return refusal(WIRE.temporarilyUnavailable, 'this node is shutting down')
  try {
    const { bellows } = await node.database
    const goesOn = (work: Promise<unknown>) => {
      const ended = () => void node.behind.delete(work)
      node.behind.add(work)
      work.then(ended, ended)
    }
    return await answered({ bellows, rules: node.options, goesOn }, body.type, body)
  } catch (error) {
    return errorAnswer(error)
  }
}
