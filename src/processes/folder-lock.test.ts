import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FolderInUse, lockFolder } from './folder-lock.ts'

test('one holder at a time, whatever path leads to the folder, until it lets go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-lock-'))
  const link = `${folder}-link`
  symlinkSync(folder, link)
  try {
    const lock = await lockFolder(folder, 'test')
    await assert.rejects(lockFolder(link, 'test'), (error) => {
      assert.ok(error instanceof FolderInUse)
      assert.equal(error.pid, process.pid)
      return true
    })
    const other = await lockFolder(folder, 'another purpose')
    await other.close()
    await lock.close()
    const again = await lockFolder(link, 'test')
    await again.close()
  } finally {
    rmSync(link)
    rmSync(folder, { recursive: true })
  }
})
