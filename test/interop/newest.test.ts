import { execFile } from 'node:child_process'
import { test, type TestContext } from 'node:test'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startProgram } from '#test/support/processes.ts'
import { type Venv, venv } from './venv.ts'

const FILES = ['python-to-node.test.ts', 'node-to-python.test.ts', 'canvas.test.ts', 'newest/flower.ts']
const PACKAGES = ['celery', 'kombu', 'amqp', 'redis', 'flower']

/** What came out yesterday must not stop our change, and must not go unseen: it is told, whatever it is. */
test('the newest Celery and Flower there are', async (context) => {
  try {
    const environment = await venv('newest')
    context.diagnostic(`newest: ${await versionsOf(environment)}`)
    await report(context)
  } catch (error) {
    context.diagnostic(`newest: not tried: ${String(error)}`)
  }
})

async function report(context: TestContext): Promise<void> {
  const files = FILES.map((file) => join(import.meta.dirname, file))
  await using program = startProgram(
    [process.execPath, '--test', '--test-concurrency=2', '--test-reporter=tap', ...files],
    {
      env: { INTEROP_CELERY: 'newest' },
    },
  )
  await program.exited
  const { stdout } = program.output
  const count = (what: string): string => new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1] ?? 'no'
  context.diagnostic(`newest: ${count('pass')} passed, ${count('fail')} failed`)
  for (const [, name] of stdout.matchAll(/^ *not ok \d+ - (.+)$/gm)) context.diagnostic(`newest: FAILED: ${name}`)
}

async function versionsOf({ python }: Venv): Promise<string> {
  const code = `from importlib.metadata import version as v; print(", ".join(n + " " + v(n) for n in ${JSON.stringify(PACKAGES)}))`
  const { stdout } = await promisify(execFile)(python, ['-c', code])
  return stdout.trim()
}
