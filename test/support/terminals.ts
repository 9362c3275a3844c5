import type { Terminal } from '../../src/cli/terminal.ts'

/** A terminal without colours, to which nothing is written. */
export const plain: Terminal = {
  isLive: false,
  out: () => undefined,
  err: () => undefined,
  style: (_format, text) => text,
}

/** Styles as marks that can be read. */
export const marked: Terminal = { ...plain, style: (format, text) => `<${String(format)}>${text}</>` }
