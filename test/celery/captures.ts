import { readFileSync } from 'node:fs'
import type { MessageProperties } from '#src/ports/broker.ts'
import type { ReceivedHeaders } from '#src/ports/message-headers.ts'
import type { Readable } from '#src/celery/decode.ts'

interface Captured {
  readonly label?: string
  readonly celery: string
  readonly routing_key: string
  readonly properties: Readonly<Record<string, string | number>>
  readonly headers: ReceivedHeaders
  readonly body_raw: string | { readonly b64: string }
}

export interface Capture {
  readonly name: string
  readonly label: string
  readonly celery: string
  readonly routingKey: string
  readonly message: Readable
}

/** The messages of one file of test/data/celery, as our broker port would deliver them. */
export function captures(file: string): Capture[] {
  const text = readFileSync(new URL(`../data/celery/${file}.json`, import.meta.url), 'utf8')
  const { data } = JSON.parse(text) as { data: Captured[] }
  return data.map((captured, index) => ({
    name: `${file} ${index} ${captured.label ?? ''} (${captured.celery})`,
    label: captured.label ?? '',
    celery: captured.celery,
    routingKey: captured.routing_key,
    message: {
      properties: propertiesOf(captured.properties),
      headers: captured.headers,
      body:
        typeof captured.body_raw === 'string'
          ? Buffer.from(captured.body_raw)
          : Buffer.from(captured.body_raw.b64, 'base64'),
    },
  }))
}

function propertiesOf(sent: Captured['properties']): MessageProperties {
  const camelCase = (name: string): string => name.replaceAll(/_[a-z]/g, (part) => part.slice(1).toUpperCase())
  return Object.fromEntries(Object.entries(sent).map(([name, value]) => [camelCase(name), value]))
}
