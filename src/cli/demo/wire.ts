import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Terminal } from '../terminal.ts'

const MESSAGES = [
  '{"type":"migrate","msg_id":1,"phase":"expand","table":"users","add_column":"full_name"}',
  '{"type":"migrate","msg_id":2,"phase":"migrate_data","from":"name","to":"full_name"}',
  '{"type":"migrate","msg_id":3,"phase":"contract","table":"users","remove_column":"name"}',
]

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

/** Starts the node as a process of its own, sends it the three messages, and shows both sides as they stand on the wire. */
export async function showWire(terminal: Terminal): Promise<boolean> {
  const { DATABASE_URL: _, ...env } = process.env
  const node = spawn(process.execPath, [MAIN, 'node'], { stdio: ['pipe', 'pipe', 'inherit'], env })
  const ended = once(node, 'exit')
  const replies: string[] = []
  node.stdin.write(`${MESSAGES[0]}\n`)
  for await (const reply of createInterface({ input: node.stdout })) {
    terminal.out(`  > ${MESSAGES[replies.length]}\n  < ${reply}`)
    replies.push(reply)
    const next = MESSAGES[replies.length]
    if (next === undefined) node.stdin.end()
    else node.stdin.write(`${next}\n`)
  }
  const [code] = await ended
  return (
    code === 0 &&
    replies.length === MESSAGES.length &&
    replies.every((reply) => !reply.includes('"type": "error"'))
  )
}
