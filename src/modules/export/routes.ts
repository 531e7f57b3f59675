import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { App, Routes } from '#src/http/app.ts'
import { actorOf, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { type AskedMeters, metersAsked, scopeOf } from '#src/modules/consumption/asked-meters.ts'
import { firstKeptDay } from '#src/modules/consumption/kept-years.ts'
import { broughtUpToDate, type Knowledge } from '#src/modules/consumption/knowledge.ts'
import { type DayRange, rangeResolver } from '#src/modules/consumption/range.ts'
import { csvOf } from './csv.ts'
import { espiOf } from './espi.ts'
import type { EntryPages, Export } from './exported.ts'
import { jsonOf } from './json.ts'
import { pictureOf } from './picture.ts'
import { ExportParams, ExportQuery, EXPORT_EXAMPLE, ExportAnswer, type ExportFormat } from './schemas.ts'
import { ExportsUnderWay } from './under-way.ts'

export interface ExportRouteParts {
  readonly knowledge: Knowledge
  readonly clock: Clock
  readonly log: Logger
  /** Who reaches a user's consumption, by the path's `user_id`. */
  readonly policy: ObjectPolicy
}

const FORMATS = {
  csv: { type: 'text/csv; charset=utf-8', extension: 'csv', write: csvOf },
  json: { type: 'application/json; charset=utf-8', extension: 'json', write: jsonOf },
  espi: { type: 'application/atom+xml; charset=utf-8', extension: 'xml', write: espiOf },
} as const satisfies Record<ExportFormat, object>

const content = {
  'text/csv': {
    schema: Type.String({
      description:
        'RFC 4180: a header, and a line per purchase or bill; commas, CRLF, decimal points, UTF-8 without a byte order mark. A spreadsheet that expects semicolons and decimal commas needs its import of text.',
    }),
  },
  'application/json': { schema: ExportAnswer, example: EXPORT_EXAMPLE },
  'application/atom+xml': { schema: Type.String({ description: 'Green Button: NAESB ESPI resources, sums per day' }) },
}

/** `GET /api/consumption/{user_id}/export`: every purchase and bill of a range, streamed. */
export function exportRoutes({ knowledge, clock, log, policy }: ExportRouteParts): Routes {
  const resolveRange = rangeResolver(clock)
  const underWay = new ExportsUnderWay()
  return (app: App) => {
    app.get(
      '/api/consumption/:user_id/export',
      {
        config: { policy, isStream: true },
        schema: {
          tags: ['consumption'],
          summary: 'Every purchase and bill of a user, to take away',
          description:
            'Streamed, and all as of one moment: a correction that lands meanwhile is wholly in it or not at all. When it cannot be finished, or its client stops reading for a minute, the connection is reset: what came until then is no export. `X-Data-As-Of` and `X-Data-Stale` say how old the data are (a stale file is named `-incomplete`), `X-Data-Known-From` from which day on they are kept. An account has two under way at most; the third is a 429.',
          params: ExportParams,
          querystring: ExportQuery,
          response: {
            200: { description: 'in the format asked for', content },
            429: ProblemAnswer,
            503: ProblemAnswer,
          },
        },
      },
      async (request, reply) => {
        const userId = request.params.user_id
        const { format, meter_id: meterId } = request.query
        const range = resolveRange(request.query)
        underWay.begin(actorOf(request).accountId, reply.raw)
        const scope = await scopeOf(knowledge.db, actorOf(request), userId)
        const asked = { userId, scope, meterId: meterId?.toLowerCase() }
        const { about, pages } = await exportOf(knowledge, asked, range)
        const { type, extension, write } = FORMATS[format]
        // Headers are lost when a file is saved; its name stays.
        const name = `samaconso-${range.from}-${range.to}${about.stale ? '-incomplete' : ''}.${extension}`
        void reply.headers({
          'content-type': type,
          'content-disposition': `attachment; filename="${name}"`,
          'cache-control': 'no-store',
          'x-data-known-from': about.knownFrom,
          'x-data-stale': String(about.stale),
          ...(about.asOf !== undefined && { 'x-data-as-of': about.asOf.toISOString() }),
        })
        // Fastify would have the whole body made for an answer that has none.
        if (request.method === 'HEAD') return reply.send(Readable.from([]) as never)
        const text = write(about, pages, new Date(clock()))
        return reply.send(streamed(text, reply, log) as never)
      },
    )
  }
}

const HIGH_WATER_BYTES = 64 * 1024
/**
 * Without the kernel taking anything from us, which it does only when a good part of what it holds for the client is
 * gone: by a slow network that is several seconds. Whoever is in a tunnel for longer asks again.
 */
const STALLED_AFTER_MS = 60_000

/**
 * Whole pages go to the socket as it drains; the generator is ended when the client goes away. A failure midway resets
 * the connection: to a client or proxy of HTTP/1.0, which knows the end by the close alone, the part would look whole.
 */
function streamed(text: AsyncGenerator<string>, reply: FastifyReply, log: Logger): Readable {
  const { raw } = reply
  const facts = { request_id: reply.request.id }
  raw.setTimeout(STALLED_AFTER_MS, () => {
    log.warn(facts, 'an export was cut off: its client had stopped reading')
    raw.socket?.resetAndDestroy()
  })
  const stream = Readable.from(text, { objectMode: false, highWaterMark: HIGH_WATER_BYTES })
  return stream.once('error', (error) => {
    // Before the first byte there is still an answer to give, as for every other failure.
    if (!raw.headersSent) return
    log.error({ ...facts, err: error }, 'an export was cut off')
    raw.socket?.resetAndDestroy()
  })
}

interface Exported {
  readonly about: Export
  readonly pages: EntryPages
}

async function exportOf(knowledge: Knowledge, asked: AskedMeters, range: DayRange): Promise<Exported> {
  const linked = await metersAsked(knowledge.db, asked)
  const { stale } = await broughtUpToDate(knowledge, linked)
  const { readAt, pages } = await pictureOf(knowledge.db, linked, range)
  const meters = linked.map((meter) => ({ ...meter, asOf: readAt.get(meter.id) }))
  const asOf = [...readAt.values()].toSorted((one, other) => one.getTime() - other.getTime())[0]
  const knownFrom = firstKeptDay(knowledge.now(), knowledge.keptYears)
  return { about: { userId: asked.userId, ...range, knownFrom, meters, asOf, stale }, pages }
}
