import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Writes a generated file; with --check it only says whether the one in the tree is current, by the exit code. */
export async function keepCurrent(path: string, content: string): Promise<void> {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  if (!process.argv.includes('--check')) return writeFile(file, content)
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (kept === content) return
  process.stderr.write(`${path} is not current: run npm run generate\n`)
  process.exitCode = 1
}
