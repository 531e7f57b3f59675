import './version.ts'

await import('../python-to-node.test.ts')
