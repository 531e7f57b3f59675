import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Refusal } from './command.ts'

/** A password or PIN: from the file, else from standard input. Never an argument, which every user of the machine can list. */
export async function readSecret(path: string | undefined, what: string): Promise<string> {
  const given = path === undefined ? await readStandardInput(what) : await readSecretFile(path)
  const secret = given.replace(/\r?\n$/, '')
  if (secret === '') throw new Refusal(`the ${what} is empty`)
  return secret
}

async function readSecretFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Refusal(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`, { cause: error })
  }
}

function readStandardInput(what: string): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write(`${what}, then Enter and Ctrl-D: `)
  return text(process.stdin)
}
