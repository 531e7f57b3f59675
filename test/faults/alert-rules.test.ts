import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { testApi } from '#test/support/api.ts'
import { ROOT } from '#test/support/processes.ts'

const RULES = 'deploy/supervision/alerts'
const CASES = 'test/faults/alert-rules.yml'

interface Promtool {
  readonly status: number | null
  readonly output: string
}

function promtool(args: readonly string[], cwd: string = ROOT): Promtool {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd, encoding: 'utf8' })
  if (error !== undefined)
    throw new Error('promtool is not here; as root: apt-get install prometheus', { cause: error })
  return { status, output: `${stdout}${stderr}` }
}

async function ruleFiles(): Promise<string[]> {
  return (await readdir(join(ROOT, RULES))).map((name) => join(RULES, name))
}

async function allRules(): Promise<string> {
  const texts = await Promise.all((await ruleFiles()).map((path) => readFile(join(ROOT, path), 'utf8')))
  return texts.join('\n')
}

const namesIn = (text: string): string[] => [...text.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

test('Prometheus reads the rules', async () => {
  const { status, output } = promtool(['check', 'rules', ...(await ruleFiles())])
  assert.equal(status, 0, output)
})

test('each alert fires when it should and is quiet when it should', async () => {
  const { status, output } = promtool(['test', 'rules', CASES])
  assert.equal(status, 0, output)
  const cases = (await readFile(join(ROOT, CASES), 'utf8')).replaceAll(/\s+/g, ' ')
  const names = namesIn(await allRules())
  assert.ok(names.length > 5, names.join())
  for (const name of names) {
    assert.ok(cases.includes(`alertname: ${name}, exp_alerts: []`), `no case in which ${name} is quiet`)
    assert.ok(cases.includes(`alertname: ${name} exp_alerts: - exp_labels`), `no case in which ${name} fires`)
  }
})

test('every number that a rule looks at is told by the API', async () => {
  await using api = await testApi()
  const { body } = await api.server.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' })
  const told = new Set([...body.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name))
  const expressions = [...(await allRules()).replaceAll(/\{[^}]*\}/g, '').matchAll(/expr: (.*)/g)].map(([text]) => text)
  const asked = expressions.flatMap((expression) => expression.match(/\b[a-z]+(_[a-z]+)+\b/g) ?? [])
  assert.ok(asked.includes('push_failed_ratio'))
  assert.deepEqual(
    asked.filter((name) => !told.has(name)),
    [],
  )
})

test('canary: an alert with another threshold fails its cases', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-alerts-'))
  try {
    for (const path of [RULES, CASES]) await cp(join(ROOT, path), join(folder, path), { recursive: true })
    const pushes = join(folder, RULES, 'pushes.yml')
    const text = await readFile(pushes, 'utf8')
    assert.ok(text.includes('> 0.05'))
    await writeFile(pushes, text.replace('> 0.05', '> 0.04'))
    const { status, output } = promtool(['test', 'rules', CASES], folder)
    assert.equal(status, 1)
    assert.match(output, /PushesFail/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
