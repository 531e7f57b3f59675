import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, startProgram } from '#test/support/processes.ts'

const PASSES = "import { test } from 'node:test'\ntest('passes', () => {})\n"
const FAILS = "import { test } from 'node:test'\ntest('fails', () => { throw new Error('on purpose') })\n"
const SKIPS = `${PASSES}test.skip('is left out', () => {})\n`
const ENDS_AT_ONCE = `${PASSES}process.exit(3)\n`
const FAILS_BETWEEN =
  "import { before, test } from 'node:test'\nbefore(() => { throw new Error('on purpose') })\ntest('a', () => {})\n"

async function run(...sources: readonly string[]): Promise<{ code: number | null; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-runner-'))
  try {
    mkdirSync(join(folder, 'test'))
    const files = sources.map((source, index) => {
      const file = join(folder, 'test', `${index}.test.mts`)
      writeFileSync(file, source)
      return file
    })
    await using runner = startProgram([process.execPath, join(ROOT, 'scripts/run-tests.ts'), ...files])
    const { code } = await runner.exited
    return { code, lines: runner.output.stdout.trimEnd().split('\n') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('what passes is counted, and the count is the last line', async () => {
  const { code, lines } = await run(PASSES, PASSES)
  assert.equal(lines.at(-1), '2 passed, 0 failed')
  assert.equal(code, 0)
})

test('one failure among others is counted and fails the run', async () => {
  const { code, lines } = await run(PASSES, FAILS)
  assert.equal(lines.at(-1), '1 passed, 1 failed')
  assert.equal(code, 1)
})

test('a failing hook fails the run', async () => {
  const { code, lines } = await run(FAILS_BETWEEN)
  assert.match(lines.at(-1) ?? '', /^0 passed, [1-9]\d* failed$/)
  assert.equal(code, 1)
})

test('a file that ends before its tests do fails the run', async () => {
  const { code, lines } = await run(PASSES, ENDS_AT_ONCE)
  assert.match(lines.at(-1) ?? '', /^\d+ passed, [1-9]\d* failed$/)
  assert.equal(code, 1)
})

test('a test that is left out fails the run', async () => {
  const { code, lines } = await run(SKIPS)
  assert.match(lines.join('\n'), /1 skipped/)
  assert.equal(lines.at(-1), '1 passed, 1 failed')
  assert.equal(code, 1)
})

test('a file without a test fails the run', async () => {
  const { code, lines } = await run(PASSES, 'export {}\n')
  assert.match(lines.join('\n'), /1\.test\.mts holds no test/)
  assert.equal(code, 1)
})
