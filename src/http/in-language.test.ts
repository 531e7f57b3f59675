import assert from 'node:assert/strict'
import { test } from 'node:test'
import fastify, { type FastifyReply } from 'fastify'
import { inLanguage, markLanguage } from './in-language.ts'

async function varyOf(mark: (reply: FastifyReply) => void): Promise<unknown> {
  await using app = fastify()
  app.get('/', (_request, reply) => {
    mark(reply)
    return ''
  })
  const { headers } = await app.inject('/')
  return headers['vary']
}

test('what else chose an answer stays told, and nothing is told twice', async () => {
  const before: readonly [vary: string | undefined, after: string][] = [
    [undefined, 'Accept-Language'],
    ['Origin', 'Origin, Accept-Language'],
    ['accept-language', 'accept-language'],
    ['Origin, Accept-Language', 'Origin, Accept-Language'],
    ['*', '*'],
  ]
  for (const [vary, after] of before) {
    const told = await varyOf((reply) => {
      if (vary !== undefined) void reply.header('vary', vary)
      markLanguage(reply, 'fr')
    })
    assert.equal(told, after)
  }
  assert.equal(
    await varyOf((reply) => void inLanguage(reply.request, inLanguage(reply.request, reply))),
    'Accept-Language',
  )
})
