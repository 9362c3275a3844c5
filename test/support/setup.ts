import { loadModule } from 'libpg-query'
import { afterEach } from 'vitest'
import { cleanedUp } from './database.ts'

await loadModule()
// Here and not where it is: files share their modules, and each file has to say it for itself.
afterEach(cleanedUp)
