import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const CANARIES = join(ROOT, 'test/canaries')
const CONFIGURATION = ['package.json', 'tsconfig.json', 'knip.json', '.oxlintrc.json', '.oxfmtrc.json']

/** The gates of `npm run check`, each called as there; the lint prints one line per finding. */
const GATES: Readonly<Record<string, readonly string[]>> = {
  format: ['oxfmt', '--check', 'src'],
  lint: ['oxlint', '--type-aware', '--deny-warnings', '--format=unix'],
  types: ['tsc', '--noEmit', '--pretty', 'false'],
  'dead-code': ['knip', '--no-progress'],
}

interface Canary {
  readonly file: string
  /** `none` where no gate may find anything. */
  readonly gate: string
  /** What the gate's line about this file has to say. */
  readonly finding: string
}

/** The first line of each file says which gate has to stop it, and with what: `// canary: GATE FINDING`. */
function readCanaries(): Canary[] {
  return globSync('**/*.ts', { cwd: CANARIES })
    .toSorted()
    .map((file) => {
      const [, gate = '', finding = ''] =
        /^\/\/ canary: (\S+) ?(.*)\n/.exec(readFileSync(join(CANARIES, file), 'utf8')) ?? []
      if (gate !== 'none' && !(gate in GATES)) throw new Error(`${file} does not begin with // canary: GATE FINDING`)
      return { file, gate, finding }
    })
}

/** The canaries in a project of their own with our settings: their paths then are those the rules speak of. */
function layOut(): string {
  const project = mkdtempSync(join(tmpdir(), 'samaconso-canaries-'))
  cpSync(CANARIES, project, { recursive: true })
  for (const file of CONFIGURATION) cpSync(join(ROOT, file), join(project, file))
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'))
  return project
}

function runGate(project: string, [tool = '', ...args]: readonly string[]): { failed: boolean; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'node_modules/.bin', tool), ...args], {
    cwd: project,
    encoding: 'utf8',
  })
  return { failed: status !== 0, lines: `${stdout}\n${stderr}`.split('\n') }
}

function check(): string[] {
  const canaries = readCanaries()
  const project = layOut()
  try {
    return Object.entries(GATES).flatMap(([gate, command]) => {
      const { failed, lines } = runGate(project, command)
      const about = ({ file }: Canary): string[] => lines.filter((line) => line.includes(file))
      const missed = canaries
        .filter((canary) => canary.gate === gate && !about(canary).some((line) => line.includes(canary.finding)))
        .map(({ file, finding }) => `${gate} let ${file} pass (expected ${finding})`)
      const alarms = canaries.filter((canary) => canary.gate === 'none').flatMap(about)
      const silent = failed ? [] : [`${gate} ended with exit code 0 over its canaries`]
      return [...silent, ...missed, ...alarms.map((line) => `${gate} stops what is right: ${line}`)]
    })
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

const complaints = check()
for (const complaint of complaints) process.stdout.write(`${complaint}\n`)
process.exitCode = complaints.length === 0 ? 0 : 1
