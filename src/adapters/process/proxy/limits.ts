/** How long the proxy waits for what, in milliseconds. */
export interface ProxyLimits {
  /** For the head of a request, from its first byte on. */
  readonly headTimeoutMs: number
  /** For the next piece of a body. */
  readonly bodyIdleMs: number
  /** A client's connection may be without a request. */
  readonly clientIdleMs: number
  /** For a connection to an instance. */
  readonly connectTimeoutMs: number
  /** For the head of an answer, from the end of the request on. What follows the head may take as long as it likes. */
  readonly answerTimeoutMs: number
  /** A connection to an instance may be without a request. */
  readonly upstreamIdleMs: number
}

export const PROXY_LIMITS: ProxyLimits = {
  headTimeoutMs: 60_000,
  bodyIdleMs: 120_000,
  // Longer than load balancers keep theirs (60 s): whoever closes first must not be the one that is just being written to.
  clientIdleMs: 75_000,
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 300_000,
  // Shorter than servers keep theirs (2 to 5 s by default), for the same reason.
  upstreamIdleMs: 1_500,
}
