// Puts the modules of src into a few files: Node.js takes a second to find and compile seven hundred, and a tenth of it for these.
// What comes from npm stays outside, and what the program loads only when it needs it stays a file of its own.
import path from 'node:path'
import { rolldown } from 'rolldown'

/** What is run, imported or preloaded by its path. */
const ENTRIES = ['index', 'app/announce', 'cli/main', 'cli/demo/leashed']

const isOurs = (id) => id.startsWith('.') || path.isAbsolute(id)

/** A module asks for the files beside it; in a bundle it must ask from the place that it had. All files that ask are one folder deep. */
const placesKept = (source) => ({
  name: 'places-kept',
  transform: (code, id) => {
    if (!code.includes('import.meta.url')) return undefined
    const place = path.relative(source, id).replaceAll(path.sep, '/').replace(/\.ts$/, '.js')
    return code.replaceAll('import.meta.url', `new URL('../${place}', import.meta.url).href`)
  },
  generateBundle: (_options, files) => {
    const astray = Object.values(files).find(
      ({ fileName, code = '' }) => code.includes('import.meta.url') && fileName.split('/').length !== 2,
    )
    if (astray !== undefined)
      throw new Error(`${astray.fileName} asks for files beside it from another depth`)
  },
})

/** Bundles the sources of a folder into another one. */
export async function bundle(source, dist) {
  const made = await rolldown({
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, path.join(source, `${entry}.ts`)])),
    platform: 'node',
    external: (id) => !isOurs(id),
    plugins: [placesKept(source)],
  })
  await made.write({ dir: dist, format: 'esm', chunkFileNames: 'chunks/[name].js' })
  await made.close()
}
