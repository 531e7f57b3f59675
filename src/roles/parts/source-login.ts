import { readFileSync } from 'node:fs'
import { parseSqlServerUrl, SqlServerUrlError } from '#src/adapters/meter-source/sqlserver/url.ts'
import { type Config, ConfigRefused } from '#src/config/load.ts'
import type { SourceLogin, SourceName } from './sources.ts'

/** How the settings say that each source is reached. Throws ConfigRefused. */
export function sourceLogins(config: Config): Record<SourceName, SourceLogin | undefined> {
  return {
    sic: sourceLogin(config, 'SIC'),
    postpaid: sourceLogin(config, 'POSTPAID'),
    bi_ods: sourceLogin(config, 'BI_ODS'),
  }
}

function sourceLogin(config: Config, name: 'SIC' | 'POSTPAID' | 'BI_ODS'): SourceLogin | undefined {
  const url = config[`${name}_URL`]
  const password = config[`${name}_PASSWORD`]
  if (url === undefined) return undefined
  if (password === undefined) throw new ConfigRefused([`${name}_PASSWORD must be set with ${name}_URL`])
  try {
    return { address: parseSqlServerUrl(url), password, ...wayThere(config) }
  } catch (error) {
    if (error instanceof SqlServerUrlError) throw new ConfigRefused([`${name}_URL ${error.message}`])
    throw error
  }
}

/** What all sources share. */
function wayThere({ SOURCE_PROXY_URL: proxy, SOURCE_CA_FILE: path }: Config) {
  return {
    ...(proxy !== undefined && { proxyUrl: new URL(proxy) }),
    ...(path !== undefined && { certificateAuthority: readAuthority(path) }),
  }
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigRefused([`SOURCE_CA_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`])
  }
}
