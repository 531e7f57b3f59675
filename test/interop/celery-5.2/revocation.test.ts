import { withCelery52 } from './version.ts'

await withCelery52(() => import('../revocation.test.ts'))
