import { loadModule } from 'libpg-query'

await loadModule()
