import { expect } from 'vitest'
import type { Workplace } from './cli.ts'
import { cleanUp } from './database.ts'

/** Runs `bellows supervise` in a folder until the test is over, and then ends it and all its children. */
export async function supervising(place: Workplace): Promise<void> {
  const supervisor = await said(place.start('supervise'))
  cleanUp(async () => {
    supervisor.child.kill('SIGTERM')
    await supervisor.ended
    const last = await said(place.start('supervise', '--stop-children'))
    last.child.kill('SIGTERM')
    await last.ended
  })
}

async function said(supervisor: ReturnType<Workplace['start']>): Promise<typeof supervisor> {
  let text = ''
  supervisor.child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await expect.poll(() => text, { timeout: 60_000 }).toContain('supervising')
  return supervisor
}
