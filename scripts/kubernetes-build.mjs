// Builds a Kubernetes control plane for the tests under K8S_E2E=1, from Debian 12's source package, into a cache folder; again it
// does nothing. Nothing is installed on the machine: packages are downloaded and unpacked in that folder. Takes some minutes and 3 GB.
//   node scripts/kubernetes-build.mjs          the folder is BELLOWS_E2E_CACHE, by default ~/.cache/bellows-e2e
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

const cache = path.resolve(process.env.BELLOWS_E2E_CACHE ?? path.join(homedir(), '.cache', 'bellows-e2e'))
const programs = path.join(cache, 'bin')
const work = path.join(cache, 'work')
const apt = path.join(work, 'apt')
const unpacked = path.join(work, 'unpacked')

const SUITE = 'bookworm'
const VERSION = 'v1.20.2'
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager']
const PACKAGES = ['etcd-server', 'golang-1.19-go', 'golang-1.19-src', 'rsync', 'libpopt0', 'libxxhash0']
const TOOLS = ['apt-get', 'dpkg', 'dpkg-source', 'make', 'jq']

const fail = (message) => {
  console.error(message)
  process.exit(1)
}

const run = (command, args, more = {}) => {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: work, ...more })
  if (status !== 0)
    fail(`${command} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`)
}

const has = (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0

/** The machine's own sources of the suite, with those of source packages. Formats: sources.list(5). */
const writeSources = () => {
  const folder = '/etc/apt'
  const parts = existsSync(`${folder}/sources.list.d`) ? readdirSync(`${folder}/sources.list.d`) : []
  const files = ['sources.list', ...parts.map((part) => `sources.list.d/${part}`)]
  const read = (file) => (existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, 'utf8') : '')
  const lines = files
    .filter((file) => file.endsWith('.list'))
    .flatMap((file) => read(file).split('\n'))
    .filter((line) => new RegExp(`^deb .*\\s${SUITE}\\s.*\\bmain\\b`).test(line))
    .flatMap((line) => [line, line.replace(/^deb /, 'deb-src ')])
  const stanzas = files
    .filter((file) => file.endsWith('.sources'))
    .flatMap((file) => read(file).split(/\n\s*\n/))
    .filter(
      (stanza) =>
        new RegExp(`^Suites:.*\\b${SUITE}\\b(?!-)`, 'm').test(stanza) &&
        /^Components:.*\bmain\b/m.test(stanza),
    )
    .map((stanza) =>
      stanza.replace(/^Types:.*$/m, 'Types: deb deb-src').replace(/^Suites:.*$/m, `Suites: ${SUITE}`),
    )
  if (lines.length + stanzas.length === 0)
    fail(`No apt source of Debian "${SUITE}" is set up on this machine.`)
  mkdirSync(path.join(apt, 'parts'), { recursive: true })
  writeFileSync(path.join(apt, 'sources.list'), `${lines.join('\n')}\n`)
  writeFileSync(path.join(apt, 'parts', 'debian.sources'), `${stanzas.join('\n\n')}\n`)
}

const aptGet = (...args) => {
  const options = {
    'Dir::Etc::sourcelist': path.join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': path.join(apt, 'parts'),
    'Dir::State::lists': path.join(apt, 'lists'),
    'Dir::Cache': path.join(apt, 'cache'),
    'APT::Sandbox::User': 'root',
  }
  const named = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(path.join(apt, folder), { recursive: true })
  run('apt-get', ['-q', ...named, ...args])
}

const filesWith = (ending) => readdirSync(work).filter((file) => file.endsWith(ending))

const fetchPackages = () => {
  writeSources()
  aptGet('update')
  aptGet('download', ...PACKAGES)
  for (const file of filesWith('.deb')) run('dpkg', ['-x', file, unpacked])
  aptGet('source', '--download-only', 'kubernetes')
  run('dpkg-source', ['--no-check', '-x', filesWith('.dsc')[0], 'kubernetes'])
}

/** As debian/rules of the package does it: the tree in a GOPATH, and make, which generates what plain "go build" lacks. */
const build = () => {
  const source = path.join(work, 'kubernetes')
  const goPath = path.join(source, '.go')
  mkdirSync(path.join(goPath, 'src', 'k8s.io'), { recursive: true })
  const tree = path.join(goPath, 'src', 'k8s.io', 'kubernetes')
  if (!existsSync(tree)) symlinkSync('../../..', tree)
  const [major, minor] = VERSION.slice(1).split('.')
  const versionFile = path.join(source, 'version.sh')
  writeFileSync(
    versionFile,
    [
      `KUBE_GIT_VERSION=${VERSION}`,
      `KUBE_GIT_MAJOR=${major}`,
      `KUBE_GIT_MINOR=${minor}`,
      'KUBE_GIT_COMMIT=0',
      'KUBE_GIT_TREE_STATE=clean',
      '',
    ].join('\n'),
  )
  const goRoot = path.join(unpacked, 'usr', 'lib', 'go-1.19')
  const paths = [path.join(goRoot, 'bin'), path.join(unpacked, 'usr', 'bin'), process.env.PATH]
  const libraries = readdirSync(path.join(unpacked, 'usr', 'lib'))
    .filter((folder) => folder.includes('linux-gnu'))
    .map((folder) => path.join(unpacked, 'usr', 'lib', folder))
  const { GOFLAGS: _flags, ...environment } = process.env
  const env = {
    ...environment,
    PATH: paths.join(path.delimiter),
    LD_LIBRARY_PATH: libraries.join(path.delimiter),
    GOROOT: goRoot,
    GOPATH: goPath,
    GOCACHE: path.join(work, 'go-cache'),
    GOPROXY: 'off',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
    KUBE_GIT_VERSION_FILE: versionFile,
  }
  // `sh -c cd` keeps the way through the link: make works in the GOPATH.
  const made = 'make WHAT="cmd/kube-apiserver cmd/kube-controller-manager"'
  run('nice', ['sh', '-c', `cd ${JSON.stringify(tree)} && ${made}`], { env })
  const built = path.join(source, '_output', 'local', 'go', 'bin')
  for (const program of PROGRAMS.slice(1)) cpSync(path.join(built, program), path.join(programs, program))
}

if (PROGRAMS.every((program) => existsSync(path.join(programs, program)))) {
  console.log(programs)
  process.exit(0)
}
if (process.platform !== 'linux') fail('The control plane is built on Debian only.')
const missing = TOOLS.filter((tool) => !has(tool))
if (missing.length > 0) fail(`Install first: ${missing.join(', ')} (dpkg-source is in dpkg-dev)`)
rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
mkdirSync(programs, { recursive: true })
fetchPackages()
cpSync(path.join(unpacked, 'usr', 'bin', 'etcd'), path.join(programs, 'etcd'))
build()
rmSync(work, { recursive: true, force: true })
console.log(programs)
