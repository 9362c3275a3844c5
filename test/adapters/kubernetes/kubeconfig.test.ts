import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { inClusterAccess } from '../../../src/adapters/kubernetes/in-cluster.ts'
import { kubeconfigFiles, readKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { openAccess } from '../../../src/adapters/kubernetes/open-access.ts'
import { cleanUp } from '../../support/database.ts'
import { hasOpenssl, makeCertificates } from '../../support/kubernetes/certificates.ts'
import { clientOf, failureOf } from '../../support/kubernetes/client.ts'
import { startKubernetesStub } from '../../support/kubernetes/stub.ts'

const SERVER = 'https://10.0.0.1:6443'

async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-kubeconfig-'))
  cleanUp(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content)
    await writeFile(path.join(folder, name), text)
  }
  return folder
}

/** A kubeconfig with one context, `main`. */
const kubeconfig = (user: object = {}, cluster: object = {}, context: object = {}) => ({
  'current-context': 'main',
  clusters: [{ name: 'c', cluster: { server: SERVER, ...cluster } }],
  users: [{ name: 'u', user }],
  contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', ...context } }],
})

async function opened(config: unknown, more: Readonly<Record<string, unknown>> = {}) {
  const folder = await folderWith({ config, ...more })
  const access = await readKubeconfig([path.join(folder, 'config')])
  if (access === undefined) throw new Error('there is one')
  return access
}

describe('which files', () => {
  test.each([
    [{}, ['/home/me/.kube/config']],
    [{ KUBECONFIG: '' }, ['/home/me/.kube/config']],
    [{ KUBECONFIG: '/a' }, ['/a']],
    [{ KUBECONFIG: `/a${path.delimiter}${path.delimiter}/b` }, ['/a', '/b']],
  ])('%j', (env, files) => {
    expect(kubeconfigFiles(env, '/home/me')).toEqual(files)
  })

  test('the first that knows a name wins, one that is not there is passed over', async () => {
    const folder = await folderWith({
      one: { contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', namespace: 'first' } }] },
      two: kubeconfig({ token: 't' }, {}, { namespace: 'second' }),
    })
    const access = await readKubeconfig(['none', 'one', 'two'].map((name) => path.join(folder, name)))
    expect(access).toMatchObject({ name: 'the context "main"', namespace: 'first' })
    expect(access?.server.href).toBe(`${SERVER}/`)
    expect(await access?.credentials()).toEqual({ token: 't' })
  })

  test('none of which is there are none', async () => {
    expect(await readKubeconfig(['/nowhere/config'])).toBeUndefined()
  })

  test('a context is chosen by name', async () => {
    const config = kubeconfig({ token: 't' })
    const folder = await folderWith({
      config: {
        ...config,
        contexts: [
          ...config.contexts,
          { name: 'other', context: { cluster: 'c', user: 'u', namespace: 'n' } },
        ],
      },
    })
    const access = await readKubeconfig([path.join(folder, 'config')], 'other')
    expect(access).toMatchObject({ name: 'the context "other"', namespace: 'n' })
  })
})

describe('credentials', () => {
  test.each<[string, object, Readonly<Record<string, string>>, object]>([
    ['a token', { token: 't' }, {}, { token: 't' }],
    ['a token in a file', { tokenFile: 'sub/token' }, { 'sub/token': 'from-file\n' }, { token: 'from-file' }],
    ['the file before the token', { token: 't', tokenFile: 'token' }, { token: 'f' }, { token: 'f' }],
    [
      'a certificate in the file',
      { 'client-certificate-data': btoa('cert'), 'client-key-data': btoa('key') },
      {},
      { cert: Buffer.from('cert'), key: Buffer.from('key') },
    ],
    [
      'a certificate in files beside it',
      { 'client-certificate': 'me.crt', 'client-key': './me.key' },
      { 'me.crt': 'cert', 'me.key': 'key' },
      { cert: Buffer.from('cert'), key: Buffer.from('key') },
    ],
    [
      'what is written before what is pointed to',
      { 'client-certificate-data': btoa('cert'), 'client-certificate': '/nowhere', 'client-key': 'k' },
      { k: 'key' },
      { cert: Buffer.from('cert'), key: Buffer.from('key') },
    ],
    ['none at all', {}, {}, {}],
  ])('are %s', async (_what, user, files, credentials) => {
    const access = await opened(kubeconfig(user), files)
    expect(await access.credentials()).toEqual(credentials)
    expect(access.renew()).toBe(false)
  })

  test.each([{ user: '' }, { user: undefined }])(
    'are none for a context without a user: %j',
    async (context) => {
      const access = await opened(kubeconfig({}, { server: 'http://127.0.0.1:8001' }, context))
      expect(access.server.href).toBe('http://127.0.0.1:8001/')
      expect(await access.credentials()).toEqual({})
    },
  )

  test('in a file are read anew for each request', async () => {
    const folder = await folderWith({ config: kubeconfig({ tokenFile: 'token' }), token: 'old' })
    const access = await readKubeconfig([path.join(folder, 'config')])
    expect(await access?.credentials()).toEqual({ token: 'old' })
    await writeFile(path.join(folder, 'token'), 'new')
    expect(await access?.credentials()).toEqual({ token: 'new' })
  })
})

describe('the server', () => {
  test.each<[string, object, object]>([
    ['is trusted by the usual authorities', {}, { rejectUnauthorized: true }],
    [
      'is trusted by an authority in the file',
      { 'certificate-authority-data': btoa('ca') },
      { ca: Buffer.from('ca'), rejectUnauthorized: true },
    ],
    [
      'is trusted by an authority in another file',
      { 'certificate-authority': 'ca.crt' },
      { ca: Buffer.from('ca from file'), rejectUnauthorized: true },
    ],
    [
      'may be called otherwise',
      { 'tls-server-name': 'kubernetes.test' },
      { servername: 'kubernetes.test', rejectUnauthorized: true },
    ],
    ['need not prove itself', { 'insecure-skip-tls-verify': true }, { rejectUnauthorized: false }],
  ])('%s', async (_what, cluster, tls) => {
    const access = await opened(kubeconfig({}, cluster), { 'ca.crt': 'ca from file' })
    expect(access.tls).toEqual(tls)
  })
})

describe('refused, with the file, the reason and what to do', () => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'login' }

  test.each<[string, unknown, string, string]>([
    [
      'no context',
      { ...kubeconfig(), 'current-context': '' },
      'names no current context',
      '--context <name>',
    ],
    [
      'an unknown context',
      { ...kubeconfig(), 'current-context': 'x' },
      'has no context "x"',
      'It has: main.',
    ],
    [
      'an unknown cluster',
      { ...kubeconfig(), clusters: null },
      'has no cluster "c"',
      'It has no cluster at all.',
    ],
    ['an unknown user', { ...kubeconfig(), users: [] }, 'has no user "u"', 'It has no user at all.'],
    ['a server that is no URL', kubeconfig({}, { server: 'k8s' }), 'which is no URL', 'https://host:port'],
    ['auth-provider', kubeconfig({ 'auth-provider': { name: 'gcp' } }), '"auth-provider"', 'Kubernetes 1.26'],
    [
      'a password',
      kubeconfig({ username: 'a', password: 'b' }),
      'a user name and a password',
      'exec plug-in',
    ],
    ['impersonation', kubeconfig({ token: 't', as: 'root' }), 'impersonation ("as")', 'user of its own'],
    ['a proxy', kubeconfig({}, { 'proxy-url': 'http://p' }), '"proxy-url"', 'kubectl proxy'],
    [
      'an old plug-in',
      kubeconfig({ exec: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } }),
      'plug-in "login" speaks "client.authentication.k8s.io/v1alpha1"',
      'client.authentication.k8s.io/v1beta1',
    ],
    [
      'a plug-in that asks a person',
      kubeconfig({ exec: { ...exec, interactiveMode: 'Always' } }),
      'plug-in "login" needs a terminal',
      'interactiveMode',
    ],
    ['no YAML', 'a: [', 'cannot be read: ', 'kubectl config view'],
    ['another format', { clusters: [{ name: 'c' }] }, 'clusters.0.cluster: ', 'kubectl config view'],
  ])('%s', async (_what, config, message, hint) => {
    const error = await failureOf(opened(config))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain(message)
    expect(error.message).toContain('kubeconfig')
    expect(error.hint).toContain(hint)
  })

  test('a file that it points to', async () => {
    const access = await opened(kubeconfig({ tokenFile: 'gone' }))
    const error = await failureOf(() => access.credentials())
    expect(error.message).toContain('points to "gone", which cannot be read')
  })

  test('a folder in place of a file', async () => {
    const folder = await folderWith({})
    expect((await failureOf(readKubeconfig([folder]))).message).toContain('cannot be read: ')
  })
})

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }

  test('the service account is who we are, with the token of the moment', async () => {
    const folder = await folderWith({ token: 'old\n', 'ca.crt': 'ca', namespace: 'shop' })
    const access = await inClusterAccess(env, folder)
    expect(access).toMatchObject({
      namespace: 'shop',
      tls: { ca: Buffer.from('ca'), rejectUnauthorized: true },
    })
    expect(access?.server.href).toBe('https://10.96.0.1/')
    expect(await access?.credentials()).toEqual({ token: 'old' })
    await writeFile(path.join(folder, 'token'), 'new')
    expect(await access?.credentials()).toEqual({ token: 'new' })
    expect(access?.renew()).toBe(true)
  })

  test('an address of IPv6 gets its brackets', async () => {
    const folder = await folderWith({ token: 't', 'ca.crt': 'ca', namespace: 'shop' })
    const access = await inClusterAccess({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder)
    expect(access?.server.href).toBe('https://[fd00::1]/')
  })

  test('without a service account it says so', async () => {
    const error = await failureOf(inClusterAccess(env, await folderWith({})))
    expect(error.code).toBe('config_invalid')
    expect(error.hint).toContain('automountServiceAccountToken')
  })

  test('nothing is found where there is neither a kubeconfig nor a pod', async () => {
    expect(await inClusterAccess({})).toBeUndefined()
    const error = await failureOf(openAccess(undefined, { KUBECONFIG: '/nowhere/config' }))
    expect(error.message).toBe('There is no kubeconfig at /nowhere/config, and this is no pod.')
    expect((await failureOf(openAccess('main', { KUBECONFIG: '/nowhere', ...env }))).code).toBe(
      'config_invalid',
    )
    expect(kubeconfigFiles({}, homedir())[0]).toContain('.kube')
  })

  test('a kubeconfig goes before the service account', async () => {
    const folder = await folderWith({ config: kubeconfig({ token: 't' }) })
    const access = await openAccess(undefined, { KUBECONFIG: path.join(folder, 'config'), ...env })
    expect(access.name).toBe('the context "main"')
  })
})

describe('an exec plug-in', () => {
  /** A program that counts its runs, and answers with what a file says. */
  async function plugin(version: 'v1' | 'v1beta1', answer: unknown, more: object = {}) {
    const apiVersion = `client.authentication.k8s.io/${version}`
    const program = [
      `#!${process.execPath}`,
      'const fs = require("node:fs")',
      'const { KUBERNETES_EXEC_INFO, REGION } = process.env',
      'const line = [KUBERNETES_EXEC_INFO, REGION, process.argv.slice(2)].join(" ")',
      'fs.appendFileSync(__dirname + "/runs", line + "\\n")',
      'process.stdout.write(fs.readFileSync(__dirname + "/answer", "utf8"))',
    ].join('\n')
    const exec = {
      apiVersion,
      command: './bin/login.cjs',
      args: ['--for', 'me'],
      env: [{ name: 'REGION', value: 'eu' }],
      ...more,
    }
    const folder = await folderWith({
      config: kubeconfig({ exec }, { 'certificate-authority-data': btoa('ca') }),
      'bin/login.cjs': program,
      'bin/answer':
        typeof answer === 'string' ? answer : { apiVersion, kind: 'ExecCredential', status: answer },
    })
    await chmod(path.join(folder, 'bin/login.cjs'), 0o755)
    const access = await readKubeconfig([path.join(folder, 'config')])
    if (access === undefined) throw new Error('there is one')
    const runs = async () => (await readFile(path.join(folder, 'bin/runs'), 'utf8')).trim().split('\n')
    const answers = (status: unknown) =>
      writeFile(
        path.join(folder, 'bin/answer'),
        JSON.stringify({ apiVersion, kind: 'ExecCredential', status }),
      )
    return { access, runs, answers }
  }

  test.each(['v1', 'v1beta1'] as const)('of %s is run once, with what it needs to know', async (version) => {
    const { access, runs } = await plugin(version, { token: 'a' }, { provideClusterInfo: true })
    expect(await access.credentials()).toEqual({ token: 'a' })
    expect(await access.credentials()).toEqual({ token: 'a' })
    const [line = '', ...more] = await runs()
    expect(more).toEqual([])
    const [, info = '', rest] = /^(.*\}) (eu --for,me)$/.exec(line) ?? []
    expect(rest).toBe('eu --for,me')
    expect(JSON.parse(info)).toEqual({
      apiVersion: `client.authentication.k8s.io/${version}`,
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        cluster: { server: SERVER, 'certificate-authority-data': btoa('ca') },
      },
    })
  })

  test('may bring a certificate', async () => {
    const { access } = await plugin('v1', { clientCertificateData: 'cert', clientKeyData: 'key' })
    expect(await access.credentials()).toEqual({ cert: 'cert', key: 'key' })
  })

  test('is run again when what it brought expires, or is not accepted', async () => {
    const { access, runs, answers } = await plugin('v1', {
      token: 'a',
      expirationTimestamp: new Date(Date.now() + 5_000).toISOString(),
    })
    expect(await access.credentials()).toEqual({ token: 'a' })
    await answers({ token: 'b', expirationTimestamp: new Date(Date.now() + 3_600_000).toISOString() })
    expect(await access.credentials()).toEqual({ token: 'b' })
    expect(await access.credentials()).toEqual({ token: 'b' })
    await answers({ token: 'c' })
    expect(access.renew()).toBe(true)
    expect(await access.credentials()).toEqual({ token: 'c' })
    expect(await runs()).toHaveLength(3)
  })

  test.each<[string, unknown, object, string]>([
    ['no JSON', 'secret', {}, 'its output is not a JSON object'],
    ['another kind', '{"apiVersion":"v1","kind":"Pod"}', {}, 'it answered with v1 Pod'],
    ['nothing', {}, {}, 'neither a token nor a certificate'],
    [
      'a time that is none',
      { token: 't', expirationTimestamp: 'soon' },
      {},
      'its expirationTimestamp is "soon"',
    ],
    ['its own error', '', { command: 'sh', args: ['-c', 'echo who are you >&2; exit 3'] }, 'who are you'],
    ['no word', '', { command: 'sh', args: ['-c', 'exit 3'] }, 'it ended with 3'],
    ['no program', '', { command: 'bellows-has-no-such-plugin' }, 'it is not installed'],
  ])('that brings %s fails, and no secret is repeated', async (_what, answer, more, reason) => {
    const { access } = await plugin('v1', answer, { ...more, installHint: 'Install it.' })
    const error = await failureOf(() => access.credentials())
    expect(error.code).toBe('cluster_unreachable')
    expect(error.message).toContain(reason)
    expect(error.message).not.toContain('secret')
    expect(error.hint).toBe('Install it.')
  })

  test('is asked for new credentials when the cluster no longer takes the old ones', async () => {
    const stub = await startKubernetesStub()
    stub.store.put('Pod', { metadata: { name: 'web-1' } })
    const { access, answers } = await plugin('v1', { token: 'old' })
    const client = clientOf({ ...access, server: new URL(stub.url) })
    stub.accept = ({ authorization }) => authorization === 'Bearer old'
    await client.get('Pod', 'web-1')
    await answers({ token: 'new' })
    stub.accept = ({ authorization }) => authorization === 'Bearer new'
    await client.get('Pod', 'web-1')
    expect(stub.requests.map(({ authorization }) => authorization)).toEqual([
      'Bearer old',
      'Bearer old',
      'Bearer new',
    ])
  })
})

// Node makes no certificates: without openssl 3 these are skipped.
describe.runIf(hasOpenssl)('over TLS', () => {
  async function secured(user: object, cluster: object, server: { readonly requestCert?: boolean } = {}) {
    const certificates = makeCertificates()
    const { read, ca, serverCert, serverKey } = certificates
    const stub = await startKubernetesStub({
      cert: read(serverCert),
      key: read(serverKey),
      ca: read(ca),
      rejectUnauthorized: false,
      ...server,
    })
    stub.store.put('Pod', { metadata: { name: 'web-1' } })
    const file = path.join(certificates.folder, 'config')
    await writeFile(file, JSON.stringify(kubeconfig(user, { server: stub.url, ...cluster })))
    const access = await readKubeconfig([file])
    if (access === undefined) throw new Error('there is one')
    return { stub, client: clientOf(access) }
  }

  test('a client certificate says who we are', async () => {
    const user = { 'client-certificate': 'bellows.crt', 'client-key': 'bellows.key' }
    const { stub, client } = await secured(user, { 'certificate-authority': 'ca.crt' }, { requestCert: true })
    expect((await client.get('Pod', 'web-1')).value.metadata.name).toBe('web-1')
    expect(stub.requests[0]?.certificate).toBe('bellows')
  })

  test('a token goes over a connection whose other end has proved itself', async () => {
    const { stub, client } = await secured({ token: 't' }, { 'certificate-authority': 'ca.crt' })
    await client.get('Pod', 'web-1')
    expect(stub.requests[0]?.authorization).toBe('Bearer t')
  })

  test('a server may be known by another name', async () => {
    const named = { 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes.test' }
    const { client } = await secured({ token: 't' }, named)
    expect((await client.get('Pod', 'web-1')).value.metadata.name).toBe('web-1')
  })

  test('a server need not prove itself where the file says so', async () => {
    const { client } = await secured({ token: 't' }, { 'insecure-skip-tls-verify': true })
    expect((await client.get('Pod', 'web-1')).value.metadata.name).toBe('web-1')
  })

  test.each<[string, object]>([
    ['of an unknown authority', {}],
    ['with another name', { 'certificate-authority': 'ca.crt', 'tls-server-name': 'other.test' }],
  ])('a server %s gets no token, and no second attempt', async (_what, cluster) => {
    const { stub, client } = await secured({ token: 't' }, cluster)
    const error = await failureOf(client.get('Pod', 'web-1'))
    expect(error.code).toBe('cluster_unreachable')
    expect(error.hint).toContain('certificate-authority')
    expect(stub.requests).toEqual([])
  })
})
