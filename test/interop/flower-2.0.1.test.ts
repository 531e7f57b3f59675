import { flowerSuite } from './flower-suite.ts'

await flowerSuite('flower-2.0.1')
