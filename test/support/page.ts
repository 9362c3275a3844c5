import { readFileSync } from 'node:fs'
import path from 'node:path'

/** A block of code on a page of the documentation, as it stands there. */
export interface Block {
  readonly language: string
  readonly text: string
}

/** The blocks below a heading of the second level. */
export function blocksOf(page: string, heading: string): readonly Block[] {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs', page), 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`${page} has no "${heading}"`)
  return blocksIn(section)
}

/** All blocks of a text that say their language, in order. */
export function blocksIn(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }))
}

/** The lines of a shell block that begin with `npx bellows`, as arguments. */
export function bellowsCalls({ text }: Block): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('npx bellows '))
    .map((line) =>
      line
        .replace(/ +#.*$/, '')
        .split(' ')
        .slice(2),
    )
}

/** What the page calls the database, as it is called here. */
export function filledIn(
  arg: string,
  { url, name }: { readonly url: string; readonly name: string },
): string {
  if (arg === '"$DATABASE_URL"') return url
  return arg === 'shop' ? name : arg
}
