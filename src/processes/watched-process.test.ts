import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAlive, until } from '#test/support/processes.ts'
import { startWatched, type WatchedProcess } from './watched-process.ts'

const ENV = { PATH: '/usr/bin:/bin', ONLY: 'this' }

/** A long `graceMs` is for what is to end by itself: a short one would end it by the next signal on a busy machine. */
function shell(script: string, onLine: (line: string, stream: string) => void, graceMs = 60_000): WatchedProcess {
  return startWatched({
    command: 'sh',
    args: ['-c', script],
    env: ENV,
    stopSignals: ['SIGINT', 'SIGTERM'],
    graceMs,
    onLine,
  })
}

test('exit code, output and environment are those of the program', async () => {
  const lines: string[] = []
  const child = shell('echo "$ONLY $HOME."; echo bad >&2; exit 7', (line, stream) => lines.push(`${stream} ${line}`))
  assert.deepEqual(await child.exited, { code: 7, signal: null })
  assert.deepEqual(lines.toSorted(), ['stderr bad', 'stdout this .'])
  await child.close()
})

test('a program that cannot be run ends with 127', async () => {
  const child = startWatched({
    command: 'no-such-program',
    args: [],
    env: ENV,
    stopSignals: ['SIGTERM'],
    graceMs: 1000,
  })
  assert.deepEqual(await child.exited, { code: 127, signal: null })
})

test('the mildest signal is enough for a program that listens', async () => {
  const up = Promise.withResolvers<void>()
  const child = shell('trap "exit 5" INT; echo up; while :; do sleep 0.05; done', () => up.resolve())
  await up.promise
  await Promise.all([child.close(), child.close()])
  assert.deepEqual(await child.exited, { code: 5, signal: null })
})

test('one that listens to none, and what it started, are ended all the same', async () => {
  const started = Promise.withResolvers<number>()
  const script = 'trap "" INT TERM; sleep 1000 & echo $!; while :; do wait; done'
  const child = shell(script, (line) => started.resolve(Number(line)), 100)
  const grandchild = await started.promise
  await child.close()
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' })
  await until('the grandchild has ended', () => !isAlive(grandchild))
})
