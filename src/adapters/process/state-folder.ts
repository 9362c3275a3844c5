import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { BellowsError, messageOf } from '../../core/errors.ts'
import { claim, lockRecord, readRecord } from '../os/lock-record.ts'

export interface StateFolder {
  readonly records: string
  readonly logs: string
  readonly socket: string
  /** Lets the next one have it. */
  release(): Promise<void>
}

/** What the addresses of sockets in the file system hold, at least: 104 bytes on macOS, 108 on Linux, with the zero. */
const SOCKET_PATH_BYTES_MAX = 103

/** Makes the folder when it is not there, for its owner only, and takes it for this process alone. */
export async function takeStateFolder(folder: string): Promise<StateFolder> {
  const socket = socketPath(folder)
  const [records, logs] = [path.join(folder, 'instances'), path.join(folder, 'logs')]
  const lock = path.join(folder, 'supervisor.lock')
  const record = lockRecord(randomUUID())
  try {
    for (const each of [folder, records, logs]) mkdirSync(each, { recursive: true, mode: 0o700 })
    // Who can reach the socket can start programs.
    chmodSync(folder, 0o700)
    const holder = await claim(lock, record)
    if (holder !== undefined) throw inUse(folder, `process ${holder.owner.pid}`)
  } catch (cause) {
    if (cause instanceof BellowsError) throw cause
    throw new BellowsError(
      'data_folder_unusable',
      `The state folder "${folder}" cannot be used: ${messageOf(cause)}.`,
      { hint: 'Name one that can be read and written: deploy.processes.state.', cause },
    )
  }
  const release = async (): Promise<void> => {
    if ((await readRecord(lock))?.id === record.id) rmSync(lock, { force: true })
  }
  if (await isAnswered(socket)) {
    await release()
    // The lock names a process, and those of another container are not seen here.
    throw inUse(folder, 'a process that is not on this list of processes, as in another container')
  }
  rmSync(socket, { force: true })
  return { records, logs, socket, release }
}

/** Where the supervisor of a state folder listens. Relative to the current folder when that is shorter: there is little room. */
export function socketPath(folder: string): string {
  const absolute = path.resolve(folder, 'supervisor.sock')
  const relative = path.relative(process.cwd(), absolute)
  const shorter = relative.length < absolute.length ? relative : absolute
  if (Buffer.byteLength(shorter) <= SOCKET_PATH_BYTES_MAX) return shorter
  throw new BellowsError(
    'data_folder_unusable',
    `The path of the state folder "${folder}" is too long for a socket in it.`,
    { hint: `Name one whose path has at most ${SOCKET_PATH_BYTES_MAX - 16} bytes: deploy.processes.state.` },
  )
}

function inUse(folder: string, user: string): BellowsError {
  return new BellowsError('data_folder_in_use', `The state folder "${folder}" is in use by ${user}.`, {
    hint: 'One supervisor runs already; there is nothing to start. To replace it, end it first: its children run on.',
  })
}

function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => resolve(false))
  })
}
