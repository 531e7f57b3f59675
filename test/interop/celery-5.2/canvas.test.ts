import './version.ts'

await import('../canvas.test.ts')
