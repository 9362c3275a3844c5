import { copyFile, open, rm, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import { codeOf } from '../os/error-parts.ts'

/** What the instances write, one file each. */
export interface Logs {
  fileOf(id: string): string
  /** The last lines, oldest first, as far as they fit into `TAIL_BYTES_MAX`. */
  tail(id: string, lines: number): Promise<readonly string[]>
  /** Keeps it from growing without end. */
  bound(id: string): Promise<void>
  remove(id: string): Promise<void>
}

const BYTES_MAX = 8 * 2 ** 20
const TAIL_BYTES_MAX = 256 * 2 ** 10

export function fileLogs(folder: string, bytesMax = BYTES_MAX): Logs {
  const fileOf = (id: string): string => path.join(folder, `${id}.log`)
  /** What was in the file when it was last too large. */
  const formerOf = (id: string): string => `${fileOf(id)}.1`
  const moving = new Set<string>()
  return {
    fileOf,
    tail: async (id, lines) => {
      const now = await end(fileOf(id))
      const text = linesOf(now) > lines ? now : `${await end(formerOf(id))}${now}`
      const all = text.replace(/\n$/, '').split('\n')
      return text === '' || lines === 0 ? [] : all.slice(-lines)
    },
    bound: async (id) => {
      const { size } = await stat(fileOf(id)).catch(absent({ size: 0 }))
      if (size <= bytesMax || moving.has(id)) return
      moving.add(id)
      try {
        // The instance has the file open, and goes on writing at the end of it, wherever that is then.
        await copyFile(fileOf(id), formerOf(id))
        await truncate(fileOf(id))
      } finally {
        moving.delete(id)
      }
    },
    remove: async (id) => {
      for (const file of [fileOf(id), formerOf(id)]) await rm(file, { force: true })
    },
  }
}

function linesOf(text: string): number {
  return text.split('\n').length - 1
}

/** The last part of a file, from the start of a line on; empty when there is no file. */
async function end(name: string): Promise<string> {
  const file = await open(name).catch(absent(undefined))
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - TAIL_BYTES_MAX)
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start })
    const text = buffer.toString('utf8', 0, bytesRead)
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1)
  } finally {
    await file.close()
  }
}

const absent =
  <Value>(value: Value) =>
  (error: unknown): Value => {
    if (codeOf(error) === 'ENOENT') return value
    throw error
  }
