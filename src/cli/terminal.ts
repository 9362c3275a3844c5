import { styleText } from 'node:util'

/** Where a command writes. What a script reads goes to `out`, everything for people to `err`. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** Can a line be drawn again? Only on a terminal, and not in CI. */
  readonly isLive: boolean
  readonly style: (format: Parameters<typeof styleText>[0], text: string) => string
}

export const processTerminal: Terminal = {
  out: (text) => {
    process.stdout.write(`${text}\n`)
  },
  err: (text) => {
    process.stderr.write(text)
  },
  isLive: process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb',
  style: (format, text) => styleText(format, text, { stream: process.stderr, validateStream: true }),
}
