import { withCelery52 } from './version.ts'

await withCelery52(() => import('../python-to-node.test.ts'))
