// canary: lint no-restricted-properties
import { test } from 'node:test'

test.skip('is never run', () => {})
