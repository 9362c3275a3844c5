/** How to reach a cluster, and as whom. */
export interface Access {
  /** For people: `the context "kind"`, `the service account of this pod`. */
  readonly name: string
  readonly server: URL
  /** The one to use when none is said. */
  readonly namespace: string
  readonly tls: ServerTrust
  /** Who we are for the next request. Asked for each one, because tokens and certificates rotate. */
  credentials(): Promise<Credentials>
  /** The last ones were not accepted: forgets them. False when asking again would bring the same. */
  renew(): boolean
}

/** How the server proves who it is. */
export interface ServerTrust {
  readonly ca?: Buffer
  /** The name that its certificate is to carry, when that is not the one in its address. */
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

export interface Credentials {
  readonly token?: string
  /** PEM, as is the key. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
}
