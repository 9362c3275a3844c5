import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cleanUp } from '../database.ts'

export interface Certificates {
  readonly folder: string
  /** Files in the folder. */
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  readonly clientCert: string
  readonly clientKey: string
  read(file: string): Buffer
  base64(file: string): string
}

/** Node makes no certificates. Where there is no openssl, the tests that need some are skipped and say so. */
export const hasOpenssl = /^OpenSSL [3-9]/.test(spawnSync('openssl', ['version']).stdout?.toString() ?? '')

/** A certificate authority, a server for 127.0.0.1 and `kubernetes.test`, and a client called `bellows`. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellows-certificates-'))
  cleanUp(async () => rmSync(folder, { recursive: true }))
  const openssl = (words: string) => execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'pipe' })
  const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
  openssl(`${make} -keyout ca.key -out ca.crt -subj /CN=test-ca`)
  const issue = (name: string, extension: string) => {
    const signed = `-CA ca.crt -CAkey ca.key -addext basicConstraints=critical,CA:FALSE -addext ${extension}`
    openssl(`${make} ${signed} -keyout ${name}.key -out ${name}.crt -subj /CN=${name}`)
  }
  issue('server', 'subjectAltName=IP:127.0.0.1,DNS:kubernetes.test')
  issue('bellows', 'extendedKeyUsage=clientAuth')
  const read = (file: string) => readFileSync(path.join(folder, file))
  return {
    folder,
    ca: 'ca.crt',
    serverCert: 'server.crt',
    serverKey: 'server.key',
    clientCert: 'bellows.crt',
    clientKey: 'bellows.key',
    read,
    base64: (file) => read(file).toString('base64'),
  }
}
