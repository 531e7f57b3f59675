import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run, type RunOptions } from 'node:test'
import { spec } from 'node:test/reporters'

const ROOT = join(import.meta.dirname, '..')
/** For one file of tests as a whole: one that hangs must not hold the run for ever. */
const FILE_LIMIT_MS = 5 * 60_000

/** Runs the named test files, or all, and ends with the line `N passed, N failed` alone. Returns the exit code. */
async function runTests(named: readonly string[]): Promise<number> {
  const files = named.length > 0 ? named.map((file) => resolve(file)) : allTests()
  const seen = new Tally()
  if (files.length > 0) {
    // Node 24 knows globalSetupPath; its type definitions do not yet.
    const options: RunOptions & { globalSetupPath: string } = {
      files,
      cwd: ROOT,
      concurrency: Math.max(2, availableParallelism()),
      timeout: FILE_LIMIT_MS,
      globalSetupPath: join(ROOT, 'test/support/global-setup.ts'),
    }
    const events = run(options)
    events.on('test:summary', ({ file, success, counts }) => seen.summary({ file, success, counts }))
    events.on('test:pass', (event) => seen.passed(event))
    const report = events.compose(spec())
    report.pipe(process.stdout, { end: false })
    await new Promise((done, fail) => report.on('end', done).on('error', fail))
  }
  const complaints = seen.complaints()
  for (const complaint of complaints) process.stdout.write(`${complaint}\n`)
  // A complaint counts as a failure, so that the closing line and the exit code never disagree.
  const failed = seen.failedCount + complaints.length
  process.stdout.write(`${seen.passedCount} passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

function allTests(): string[] {
  return globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'], {
    cwd: ROOT,
    // Those with real Celery have a command of their own.
    exclude: ['test/canaries/**', 'test/interop/**'],
  })
    .map((file) => join(ROOT, file))
    .toSorted()
}

interface Summary {
  readonly file?: string | undefined
  readonly success: boolean
  readonly counts: { readonly tests: number; readonly passed: number; readonly skipped: number; readonly todo: number }
}

class Tally {
  passedCount = 0
  failedCount = 0
  #skipped = 0
  #emptyFiles: string[] = []

  /** Each file has a summary of its own; the one without a name is that of the whole run. */
  summary({ file, success, counts }: Summary): void {
    if (file !== undefined) return
    this.passedCount = counts.passed
    // Cancelled ones, of a file that took too long, are failures too.
    this.failedCount = counts.tests - counts.passed - counts.skipped - counts.todo
    this.#skipped = counts.skipped + counts.todo
    // A hook outside of any test fails the run without being counted.
    if (!success && this.failedCount === 0) this.failedCount = 1
  }

  /** A file without a test passes in the runner's eyes, under its own path as the name. */
  passed({ name, file }: { readonly name: string; readonly file?: string | undefined }): void {
    if (file !== undefined && resolve(ROOT, name) === file) this.#emptyFiles.push(relative(ROOT, file))
  }

  complaints(): string[] {
    const complaints = this.#emptyFiles.map((file) => `${file} holds no test`)
    if (this.#skipped > 0) complaints.push(`${this.#skipped} skipped: a test that cannot run has to fail and say why`)
    if (this.passedCount + this.failedCount === 0) complaints.push('no test was run')
    return complaints
  }
}

process.exitCode = await runTests(process.argv.slice(2))
