import { readFileSync } from 'node:fs'
import { type Role, type Setting, SETTINGS, type SettingName } from '#src/config/settings.ts'

export type Env = Readonly<Record<string, string | undefined>>
export type Config = { readonly [K in SettingName]: string | undefined }

/** All problems of the settings at once, by name and without a value. */
export class ConfigRefused extends Error {
  override readonly name = 'ConfigRefused'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the settings cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Values that a scanner tries first. */
const KNOWN_DEFAULTS = new Set([
  'guest',
  'admin',
  'minioadmin',
  'changeme',
  'password',
  'postgres',
  'secret',
  'demo-agent-2026',
  'demo-admin-2026',
])

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/**
 * Reads what `role` needs from the environment, the one reader of it. Throws ConfigRefused with every
 * problem found; a setting that the role does not use is not looked at.
 */
export function loadConfig(role: Role, env: Env): Config {
  const problems: string[] = []
  const entries = (SETTINGS as readonly Setting[]).map((setting) => {
    const value = uses(setting, role) ? readSetting(setting, role, env, problems) : undefined
    return [setting.name, value]
  })
  if (problems.length > 0) throw new ConfigRefused(problems)
  return Object.freeze(Object.fromEntries(entries)) as Config
}

/** A setting that the role must have, which `loadConfig` has seen to. */
export function required(config: Config, name: SettingName): string {
  const value = config[name]
  if (value === undefined) throw new Error(`${name} is not a setting that this role must have`)
  return value
}

export function uses(setting: Setting, role: Role): boolean {
  return setting.must.includes(role) || setting.may.includes(role)
}

function readSetting(setting: Setting, role: Role, env: Env, problems: string[]): string | undefined {
  const given = readGiven(setting, env, problems)
  if (given === undefined) {
    if (setting.default !== undefined) return setting.default
    if (setting.must.includes(role)) problems.push(`${setting.name} must be set: ${setting.what}`)
    return undefined
  }
  const problem = problemOf(setting, given)
  if (problem !== undefined) problems.push(`${setting.name} ${problem}`)
  return given
}

function readGiven(setting: Setting, env: Env, problems: string[]): string | undefined {
  const value = env[setting.name]
  const path = setting.kind === 'secret' ? env[`${setting.name}_FILE`] : undefined
  if (path === undefined) return value
  if (value !== undefined) {
    problems.push(`${setting.name} and ${setting.name}_FILE are both set: keep one`)
    return undefined
  }
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (error) {
    problems.push(`${setting.name}_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`)
    return undefined
  }
}

function problemOf(setting: Setting, value: string): string | undefined {
  if (value === '') return 'is empty: unset it, or give it a value'
  if (setting.kind === 'port' && !isPort(value)) return 'is not a port: give a number from 1 to 65535'
  if (setting.kind === 'count' && !isCount(value, setting.least ?? 1)) {
    return `is not a whole number, at least ${setting.least ?? 1}`
  }
  if (setting.kind === 'level' && !LEVELS.includes(value)) return `is none of ${LEVELS.join(', ')}`
  if (setting.protocols !== undefined && !setting.protocols.includes(protocolOf(value))) {
    return `is not an address that starts with ${setting.protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  }
  const password = setting.protocols === undefined ? undefined : decoded(new URL(value))?.password
  if (setting.protocols !== undefined && password === undefined) return 'has a % that is no code of a character'
  if (setting.needsPassword === true && password === '') return 'has no password: the client would use a known default'
  if (password !== undefined && KNOWN_DEFAULTS.has(password.toLowerCase())) return 'has a known default as its password'
  if (setting.kind === 'url' && password !== '') return 'must not contain a password: it has a setting of its own'
  if (setting.minLength !== undefined && value.length < setting.minLength) {
    return `is shorter than ${setting.minLength} characters`
  }
  if (setting.kind === 'secret' && KNOWN_DEFAULTS.has(value.toLowerCase())) return 'is a known default'
  return undefined
}

/** Undefined when user or password cannot be decoded: whoever logs in with them would fail at its first try. */
function decoded({ username, password }: URL): { username: string; password: string } | undefined {
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    return undefined
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

function isCount(text: string, least: number): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= least
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : ''
}
