/**
 * What a folder of ours holds, a kept one as well as a temporary one:
 *
 *     bellows.lock   which process uses the folder, as JSON
 *     bellows.log    what initdb and the server said since the last start
 *     pgdata/        PostgreSQL's own data directory
 *     pgdata.new.x/  the same while initdb works on it
 *
 * and a private temporary one besides:
 *
 *     private.lock   which process made it, in the same form as bellows.lock
 *     run/           the unix socket
 */
export const LOCK_FILE = 'bellows.lock'
/** Not the same name: a sweep removes a folder that has this file, and must never remove one that keeps data. */
export const PRIVATE_LOCK_FILE = 'private.lock'
export const LOG_FILE = 'bellows.log'
export const PGDATA = 'pgdata'
export const NEW_PGDATA_PREFIX = 'pgdata.new.'
export const RUN_FOLDER = 'run'

/** Every private temporary folder begins so; what stays of a killed process is found by it. */
export const PRIVATE_PREFIX = 'bellows-'
