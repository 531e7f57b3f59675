import './version.ts'

await import('../remote-control.test.ts')
