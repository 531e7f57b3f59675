import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { decodeTaskMessage, TaskMessageUnreadable } from '#src/celery/decode.ts'
import { loadConfig, required } from '#src/config/load.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import {
  DEAD_LETTERS,
  dropDeadLetters,
  replayDeadLetters,
  visitDeadLetters,
} from '#src/modules/dead-letters/dead-letters.ts'
import { bodyForEyes, textForEyes } from '#src/modules/dead-letters/for-eyes.ts'
import type { DeadLetter } from '#src/modules/dead-letters/letter.ts'
import { TASK_NAMES } from '#src/modules/notifications/priorities.ts'
import { type Broker, BrokerRefused, BrokerUnavailable, type Delivery } from '#src/ports/broker.ts'
import { Refusal, type Run } from './command.ts'

const USAGE = 'dead-letters takes: list | show ID | replay ID… | replay --all | drop ID…'
const CONNECT_WITHIN_MS = 5_000
const LINE_LENGTH = 100
const BODY_LENGTH = 4_000

export const run: Run = async (args, env) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { all: { type: 'boolean', default: false } },
  })
  const work = workOf(positionals, values.all)
  const config = loadConfig('operator', env)
  // Standard output is for the letters.
  const log = createLogger('error', process.stderr)
  await using broker = rabbitmqBroker({ url: required(config, 'BROKER_URL'), log, name: 'dead-letters', timers })
  await connected(broker)
  try {
    // Awaited here: the connection is closed when this function returns.
    return await work(broker)
  } catch (error) {
    throw explained(error)
  }
}

type Work = (broker: Broker) => Promise<number>

function workOf([action, ...ids]: readonly string[], isAll: boolean): Work {
  const chosen = new Set(ids)
  if (action === 'list' && ids.length === 0 && !isAll) return list
  if (action === 'show' && ids.length === 1 && !isAll) return (broker) => show(broker, chosen)
  if (action === 'replay' && ids.length > 0 !== isAll) {
    return (broker) => replay(broker, isAll ? undefined : chosen)
  }
  if (action === 'drop' && ids.length > 0 && !isAll) return (broker) => drop(broker, chosen)
  throw new Refusal(USAGE)
}

async function connected(broker: Broker): Promise<void> {
  const answered = new AbortController()
  const late = delay(CONNECT_WITHIN_MS, false, { signal: answered.signal })
  const isThere = await Promise.race([broker.connected().then(() => true), late])
  if (!isThere) throw new Refusal('RabbitMQ does not let us in at BROKER_URL: see that it runs and knows this user')
  // A timer that nobody waits for would keep the process alive.
  answered.abort()
  await late.catch(() => {})
}

const NOT_FOUND = 404

function explained(error: unknown): unknown {
  if (error instanceof BrokerUnavailable) {
    return new Refusal('the connection to RabbitMQ was lost: run the command again', { cause: error })
  }
  if (!(error instanceof BrokerRefused)) return error
  const reason =
    error.code === NOT_FOUND
      ? `there is no queue ${DEAD_LETTERS} here: import deploy/server-2/rabbitmq/definitions.json`
      : `RabbitMQ refused: ${error.message}`
  return new Refusal(reason, { cause: error })
}

async function list(broker: Broker): Promise<number> {
  const rows: string[][] = []
  await visitDeadLetters(broker, (letter, delivery) => {
    rows.push([...columnsOf(letter, delivery), bodyForEyes(delivery.body, LINE_LENGTH)])
  })
  if (rows.length === 0) return said('there are no dead letters')
  const table = [['ID', 'TASK', 'QUEUE', 'REASON', 'DIED AT', 'BYTES', 'BODY'], ...rows]
  const widths = table[0]?.map((_title, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return said(
    ...table.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  )
}

function columnsOf(letter: DeadLetter, delivery: Delivery): string[] {
  const { id, task = '-', queue = '-', diedAt, bodyBytes } = letter
  const diedAtText = diedAt?.toISOString() ?? '-'
  return [id, task, queue, whyOf(letter, delivery), diedAtText, String(bodyBytes)].map(textForEyes)
}

/** RabbitMQ only knows that it was rejected. What is wrong with the message itself can still be seen; the rest is in the worker's log. */
function whyOf({ reason }: DeadLetter, delivery: Delivery): string {
  try {
    const { task } = decodeTaskMessage(delivery).envelope
    return TASK_NAMES.some((name) => name === task) ? reason : 'unknown task'
  } catch (error) {
    return error instanceof TaskMessageUnreadable ? error.reason.replaceAll('_', ' ') : reason
  }
}

async function show(broker: Broker, chosen: ReadonlySet<string>): Promise<number> {
  const found = new Set<string>()
  await visitDeadLetters(broker, (letter, delivery) => {
    if (!chosen.has(letter.id)) return
    found.add(letter.id)
    const [id, task, queue, why, diedAt, bytes] = columnsOf(letter, delivery)
    said(`id       ${id}`, `task     ${task}`, `queue    ${queue}`, `reason   ${why}`, `died at  ${diedAt}`)
    said(`headers  ${textForEyes(headersText(delivery))}`)
    said(`body     ${bytes} bytes, of which the first are:`, bodyForEyes(delivery.body, BODY_LENGTH))
  })
  return missing(chosen, found)
}

/** Without the two that repeat the arguments, which the body has. */
function headersText({ headers }: Delivery): string {
  const { argsrepr: _args, kwargsrepr: _kwargs, ...rest } = headers
  return JSON.stringify(rest).slice(0, BODY_LENGTH)
}

async function replay(broker: Broker, chosen: ReadonlySet<string> | undefined): Promise<number> {
  const { replayed, failed } = await replayDeadLetters(broker, ({ id }) => chosen?.has(id) ?? true)
  said(...replayed.map(({ id, queue }) => `replayed ${id} to ${queue}`))
  for (const { letter, reason } of failed) {
    process.stderr.write(`samaconso: ${letter.id} stays among the dead letters: ${reason}\n`)
  }
  const found = new Set([...replayed, ...failed.map(({ letter }) => letter)].map(({ id }) => id))
  const exitCode = chosen === undefined ? 0 : missing(chosen, found)
  return failed.length > 0 ? 1 : exitCode
}

async function drop(broker: Broker, chosen: ReadonlySet<string>): Promise<number> {
  const dropped = await dropDeadLetters(broker, chosen)
  said(...dropped.map(({ id }) => `dropped ${id}`))
  return missing(chosen, new Set(dropped.map(({ id }) => id)))
}

function missing(chosen: ReadonlySet<string>, found: ReadonlySet<string>): number {
  const unknown = [...chosen].filter((id) => !found.has(id))
  for (const id of unknown) process.stderr.write(`samaconso: there is no dead letter ${id}\n`)
  return unknown.length > 0 ? 1 : 0
}

function said(...lines: readonly string[]): number {
  for (const line of lines) process.stdout.write(`${line}\n`)
  return 0
}
