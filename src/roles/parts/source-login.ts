import { parseSqlServerUrl, SqlServerUrlError } from '#src/adapters/meter-source/sqlserver/url.ts'
import { type Config, ConfigRefused } from '#src/config/load.ts'
import type { SourceLogin } from './sources.ts'

/** How the settings say that SIC or Postpaid is reached; undefined when they do not. Throws ConfigRefused. */
export function sourceLogin(config: Config, name: 'SIC' | 'POSTPAID'): SourceLogin | undefined {
  const url = config[`${name}_URL`]
  const password = config[`${name}_PASSWORD`]
  if (url === undefined) return undefined
  if (password === undefined) throw new ConfigRefused([`${name}_PASSWORD must be set with ${name}_URL`])
  try {
    return { address: parseSqlServerUrl(url), password }
  } catch (error) {
    if (error instanceof SqlServerUrlError) throw new ConfigRefused([`${name}_URL ${error.message}`])
    throw error
  }
}
