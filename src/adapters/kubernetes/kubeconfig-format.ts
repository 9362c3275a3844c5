import { z } from 'zod'

/**
 * The parts of a kubeconfig that we use or must refuse, named as in the file; all else in it is for others.
 * Source: Kubernetes documentation, "kubeconfig (v1)".
 */
const text = z.string().optional()

const cluster = z.looseObject({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': text,
  'proxy-url': text,
})

const exec = z.looseObject({
  apiVersion: z.string(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: z.boolean().optional(),
  interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).optional(),
})

const user = z.looseObject({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  exec: exec.optional(),
  'auth-provider': z.unknown().optional(),
  username: text,
  password: text,
  as: text,
})

const context = z.looseObject({ cluster: z.string(), user: text, namespace: text })

export const kubeconfigFormat = z.looseObject({
  'current-context': text,
  clusters: z.array(z.looseObject({ name: z.string(), cluster })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context })).nullish(),
})

export type Kubeconfig = z.infer<typeof kubeconfigFormat>
export type ClusterEntry = z.infer<typeof cluster>
export type UserEntry = z.infer<typeof user>
export type ExecEntry = z.infer<typeof exec>
export type ContextEntry = z.infer<typeof context>
