import type { FastifyRequest } from 'fastify'
import type { App, Routes } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { inLanguage, languageOf } from '#src/http/in-language.ts'
import { LOGGED_IN, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { mayRead } from '#src/http/staff-reads.ts'
import type { Knowledge } from '#src/modules/consumption/knowledge.ts'
import { askedOf } from './asked.ts'
import { tariffErrors } from './errors.ts'
import { meterMonth } from './meter-month.ts'
import { tariffMeter } from './queries.ts'
import * as schemas from './schemas.ts'
import { estimateForClass, estimateForMeter, simulatedClass, type TariffParts } from './simulate.ts'
import { TariffBook } from './tariff-book.ts'
import { readTariffFile } from './tariff-file.ts'
import { toEstimate, toMonth } from './view.ts'

export interface TariffRouteParts {
  readonly knowledge: Knowledge
  /** Who reaches the meter named by the path parameter `id`. */
  readonly policy: ObjectPolicy
}

const tags = ['tariffs']

/** Throws when the tariff file is not valid: a server that would misprice does not start. */
export function tariffRoutes({ knowledge, policy }: TariffRouteParts): Routes {
  const parts: TariffParts = { knowledge, book: new TariffBook(readTariffFile()) }
  return (app) => {
    simulateRoute(app, parts, policy)
    monthRoute(app, parts, policy)
  }
}

function simulateRoute(app: App, parts: TariffParts, policy: ObjectPolicy): void {
  app.post(
    '/api/tariffs/simulate',
    {
      config: { policy: LOGGED_IN },
      schema: {
        tags,
        summary: 'What an amount buys, or what an energy costs, line by line and in words',
        description:
          'An estimate by the public tariff, for a prepaid meter where it stands in its month or for a class. A meter that the caller may not see is 404; a look by staff at one is written into the audit log.',
        body: schemas.SimulateBody,
        response: { 200: schemas.SimulateAnswer, 404: ProblemAnswer, 422: ProblemAnswer, 503: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const { subject, wanted } = askedOf(request.body)
      const estimate =
        subject.kind === 'class'
          ? estimateForClass(parts, subject, wanted)
          : await estimateForMeter(parts, await meterOf(request, parts, policy, subject.meterId), wanted)
      return inLanguage(request, reply).send(toEstimate(estimate, languageOf(request)))
    },
  )
}

function monthRoute(app: App, { knowledge, book }: TariffParts, policy: ObjectPolicy): void {
  app.get(
    '/api/meters/:id/month',
    {
      config: { policy },
      schema: {
        tags,
        summary: 'Where the calendar month of a prepaid meter stands in the tranches, and what is left of each',
        params: schemas.MonthParams,
        response: { 200: schemas.MonthAnswer, 422: ProblemAnswer, 503: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const meter = await tariffMeter(knowledge.db, request.params.id)
      if (meter === undefined) throw httpErrors.notFound()
      const tariffClass = simulatedClass(meter)
      const month = await meterMonth(knowledge, meter)
      const tariff = book.at(tariffClass, 'prepaid', month.day, month.day)
      return inLanguage(request, reply).send(toMonth(meter, month, tariff, languageOf(request)))
    },
  )
}

async function meterOf(request: FastifyRequest, { knowledge }: TariffParts, policy: ObjectPolicy, meterId: string) {
  const meter = (await mayRead(request, policy, meterId)) ? await tariffMeter(knowledge.db, meterId) : undefined
  if (meter === undefined) throw tariffErrors.meterNotFound()
  return meter
}
