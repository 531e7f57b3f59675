import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MISSING = 'The program xmllint is needed to judge Green Button exports: apt-get install libxml2-utils'

/** What xmllint finds wrong with the documents under the schema; empty when it finds nothing. Nothing is downloaded. */
export async function schemaFaults(schemaPath: string, documents: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-xmllint-'))
  try {
    const paths = documents.map((_, place) => join(folder, `${place}.xml`))
    await Promise.all(paths.map((path, place) => writeFile(path, documents[place] ?? '')))
    return await run(['--noout', '--nonet', '--schema', schemaPath, ...paths])
  } finally {
    await rm(folder, { recursive: true })
  }
}

function run(parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('xmllint', parameters, { timeout: 60_000 }, (error, _output, complaints) => {
      if (error === null) resolve('')
      else if (error.code === 'ENOENT') reject(new Error(MISSING))
      else resolve(complaints)
    })
  })
}
