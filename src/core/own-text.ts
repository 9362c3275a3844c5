import { parsed, tokensOf, visit } from './parse.ts'
import { OWN_MARK, OWN_READ } from './sql.ts'
import { namesJournal } from './statements/matches.ts'

/**
 * Is a text that `pg_stat_statements` keeps one of Bellows itself? It names something in the namespace `bellows`, not only in a comment
 * or a constant, is one of its reads, or belongs to one of its triggers. A text that cannot be read is taken for somebody else's.
 */
export function isOwnText(text: string): boolean {
  if (text.startsWith(OWN_READ) || text.includes(OWN_MARK)) return true
  if (!text.includes('bellows')) return false
  const statements = parsed(text)
  if ('problem' in statements) return false
  return statements.some(namesJournal) || blocksOf(statements).some(isOwnBlock)
}

/** The parser does not look into a block of another language. */
function blocksOf(statements: unknown): readonly string[] {
  const bodies: string[] = []
  visit(statements, (kind, node) => {
    if (kind !== 'DoStmt') return
    visit(node, (_, { sval }) => {
      if (typeof sval === 'string') bodies.push(sval)
    })
  })
  return bodies
}

/** Its settings are constants there. */
function isOwnBlock(body: string): boolean {
  try {
    const words = tokensOf(body).map(({ text }) => text)
    return words.some(
      (word, at) => word.startsWith("'bellows.") || (word === 'bellows' && words[at + 1] === '.'),
    )
  } catch {
    return false
  }
}
