import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Closeable } from '#src/core/lifecycle.ts'

/** Another live process holds the folder. `pid` is undefined when it did not say who it is. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  readonly pid: number | undefined

  constructor(folder: string, pid: number | undefined) {
    super(`${folder} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}`)
    this.pid = pid
  }
}

/**
 * Makes this process the only holder of `folder` until the lock is closed or the process ends. The lock is a name in
 * Linux's abstract socket namespace: the kernel frees it with the process, so that kill -9 leaves nothing behind to judge.
 * The name is made of the folder's device and inode, so that two paths to one folder are one lock.
 * @param purpose keeps locks of different parts on the same folder apart
 * @throws FolderInUse
 */
export async function lockFolder(folder: string, purpose: string): Promise<Closeable> {
  const { dev, ino } = statSync(folder)
  const name = `\0samaconso-${createHash('sha256').update(`${purpose}:${dev}:${ino}`).digest('hex').slice(0, 32)}`
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(`${process.pid}\n`)
  })
  if (!(await listens(server, name))) throw new FolderInUse(folder, await askHolder(name))
  server.unref()
  return {
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function listens(server: Server, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(name, () => resolve(true))
  })
}

/** A holder that is stopped or busy may not answer: half a second is enough for a courtesy. */
async function askHolder(name: string): Promise<number | undefined> {
  const socket = connect(name)
  const answer = new Promise<number | undefined>((resolve) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(/^\d+$/.test(text.trim()) ? Number(text) : undefined))
  })
  const limit = new AbortController()
  const tooLate = delay(500, undefined, { signal: limit.signal }).catch(() => undefined)
  const pid = await Promise.race([answer, tooLate])
  limit.abort()
  socket.destroy()
  return pid
}
