import './version.ts'

await import('../node-to-python.test.ts')
