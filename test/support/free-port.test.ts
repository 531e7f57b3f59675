import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { freePort } from './free-port.ts'

/** A process that tells its ports and lives until it is killed. */
const SCRIPT = `
  import { freePort } from ${JSON.stringify(join(import.meta.dirname, 'free-port.ts'))}
  const ports = []
  while (ports.length < 40) ports.push(await freePort())
  console.log(JSON.stringify(ports))
  process.stdin.resume()`

test('a port is told once, here and in every process that lives at the same time', async () => {
  const told: number[] = []
  while (told.length < 40) told.push(await freePort())
  const others = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  try {
    const lines = await Promise.all(
      others.map(async ({ stdout }) => (await once(createInterface({ input: stdout }), 'line')) as [string]),
    )
    told.push(...lines.flatMap(([ports]) => JSON.parse(ports) as number[]))
  } finally {
    for (const other of others) other.kill()
  }
  assert.equal(new Set(told).size, 160)
})
