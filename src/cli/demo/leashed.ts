import { connect } from 'node:net'
import { LEASH } from './leash.ts'

/**
 * Every process of the demo loads this before its program, and ends with the demo: the system closes the connection however that
 * ends, and where it has ended already, there is none to be had. The program does not begin before it is held.
 */
const leash = connect(process.env[LEASH] ?? '')
leash.on('error', () => undefined).on('close', () => process.exit(1))
await new Promise<void>((held) => {
  leash.once('connect', held)
})
leash.unref()
