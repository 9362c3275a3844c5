import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'

interface Link {
  readonly source: string
  readonly target: string
}

/**
 * The packages carry libraries without their soname links (npm cannot pack links) and make them in an install script,
 * which `--ignore-scripts`, pnpm, bun and npm 12 do not run. So they are made here: in place, or where that is not
 * allowed in the private folder.
 * @returns the folders to search for libraries first, none when everything is in place
 */
export function linkLibraries(native: string, privateFolder: string): readonly string[] {
  const missing = readLinks(native).filter((link) => existsSync(link.source) && !existsSync(link.target))
  if (missing.every(linkInPlace)) return []
  const folder = path.join(privateFolder, 'lib')
  mkdirSync(folder, { mode: 0o755 })
  for (const link of missing) symlinkSync(link.source, path.join(folder, path.basename(link.target)))
  // A library that is loaded by way of a link looks for others beside the link, so the package's own folder follows.
  return [folder, path.join(native, 'lib')]
}

function linkInPlace(link: Link): boolean {
  try {
    symlinkSync(path.relative(path.dirname(link.target), link.source), link.target)
  } catch {
    // Another process may have made it in the same instant, so what counts is whether it is there now.
  }
  return existsSync(link.target)
}

/** The paths in the list begin with `native/`; an installation from elsewhere has no list and needs none. */
function readLinks(native: string): readonly Link[] {
  const file = path.join(native, 'pg-symlinks.json')
  if (!existsSync(file)) return []
  const links: readonly Link[] = JSON.parse(readFileSync(file, 'utf8'))
  const place = (name: string): string => path.join(native, name.replace(/^native\//, ''))
  return links.map((link) => ({ source: place(link.source), target: place(link.target) }))
}
