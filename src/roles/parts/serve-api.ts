import { setTimeout as delay } from 'node:timers/promises'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Readiness } from '#src/http/health.ts'
import { Refusal } from '#src/roles/command.ts'
import { type ApiParts, buildApi } from './server.ts'

export interface Listen {
  readonly host: string
  readonly port: number
  /** How long a stopping API still serves while /health says 503, so that the balancer sends nobody else. */
  readonly drainMs: number
}

type ServeParts = Omit<ApiParts, 'readiness'> & { readonly readiness: (phase: Readiness['phase']) => Readiness }

/** Builds the API and listens; returns its address. Ready from then on, draining from the moment it is told to stop. */
export async function serveApi(
  parts: ServeParts,
  { host, port, drainMs }: Listen,
  opened: CloseStack,
): Promise<string> {
  let phase: ReturnType<Readiness['phase']> = 'starting'
  const { app, drain } = await buildApi({ ...parts, readiness: parts.readiness(() => phase) }, opened)
  const url = await app.listen({ port, host }).catch((error: NodeJS.ErrnoException) => {
    throw new Refusal(portProblem(port, error.code ?? ''), { cause: error })
  })
  opened.defer('draining', async () => {
    phase = 'draining'
    drain()
    await delay(drainMs)
  })
  phase = 'ready'
  return url
}

export function portProblem(port: number, code: string): string {
  if (code === 'EACCES') return `port ${port} needs root: set PORT to one above 1023`
  if (code === 'EADDRINUSE') return `port ${port} is taken: stop what listens there, or set PORT to another`
  return `port ${port} cannot be listened on (${code}): set PORT to another`
}
