import { flowerSuite } from '../flower-suite.ts'

await flowerSuite('newest')
