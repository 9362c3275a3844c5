import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Document, LineCounter, Node } from 'yaml'
import { messageOf } from '../../core/errors.ts'
import { invalidFile, type Place } from './problem.ts'

export type Path = readonly PropertyKey[]

/** What a file holds, and where in it. */
export interface Source {
  readonly content: unknown
  /** Where the key of a field stands, or its value; of what is not there the nearest around it. Undefined in a program. */
  readonly locate: (path: Path, which: 'key' | 'value') => Place | undefined
}

/** @throws BellowsError `migration_invalid` */
export async function readSource(file: string): Promise<Source> {
  const extension = path.extname(file)
  // JSON is YAML, and this parser says where everything is.
  if (extension === '.yaml' || extension === '.yml' || extension === '.json') return await readYaml(file)
  const { createJiti } = await import('jiti')
  try {
    const content = await createJiti(import.meta.url).import(path.resolve(file), { default: true })
    return { content, locate: () => undefined }
  } catch (error) {
    throw invalidFile(file, [{ message: messageOf(error) }])
  }
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw invalidFile(file, [{ message: messageOf(error) }])
  }
}

async function readYaml(file: string): Promise<Source> {
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(await readText(file), { lineCounter: lines, prettyErrors: false })
  // The errors behind the first one are most often its echoes.
  const [error] = document.errors
  if (error !== undefined)
    throw invalidFile(file, [{ message: error.message, place: placeAt(lines, error.pos[0]) }])
  try {
    return { content: document.toJS(), locate: (to, which) => locate(yaml, { document, lines }, to, which) }
  } catch (error) {
    // An alias without its anchor is found only now.
    throw invalidFile(file, [{ message: messageOf(error) }])
  }
}

interface Parsed {
  readonly document: Document
  readonly lines: LineCounter
}

/** Follows a path through the nodes as far as it leads. */
function locate(
  { isAlias, isMap, isScalar, isSeq }: typeof import('yaml'),
  { document, lines }: Parsed,
  to: Path,
  which: 'key' | 'value',
): Place | undefined {
  const resolved = (node: unknown) => (isAlias(node) ? node.resolve(document) : node)
  const start = (node: unknown) => (node as Node | null | undefined)?.range?.[0]
  let node: unknown = document.contents
  let [key, value] = [start(node), start(node)]
  for (const part of to) {
    const holder = resolved(node)
    if (isMap(holder)) {
      const pair = holder.items.find((one) => isScalar(one.key) && String(one.key.value) === String(part))
      if (pair === undefined) break
      node = pair.value
      key = start(pair.key)
    } else if (isSeq(holder)) {
      node = holder.items[Number(part)]
      if (node === undefined) break
      key = start(node)
    } else break
    value = start(node) ?? key
  }
  const found = which === 'key' ? key : value
  return found === undefined ? undefined : placeAt(lines, found)
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}
