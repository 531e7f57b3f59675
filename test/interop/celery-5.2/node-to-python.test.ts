import { withCelery52 } from './version.ts'

await withCelery52(() => import('../node-to-python.test.ts'))
