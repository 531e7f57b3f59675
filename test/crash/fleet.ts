import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '#test/support/free-port.ts'
import type { StartedProgram } from '#test/support/processes.ts'
import type { RealSystem } from '#test/support/real-system.ts'
import type { Point } from './points.ts'

export type MemberName = 'api 1' | 'api 2' | 'worker 1' | 'worker 2'

type Settings = Readonly<Record<string, string>>

interface Member {
  readonly start: () => Promise<StartedProgram>
  readonly orderFile: string
  program: StartedProgram
}

const PRELOAD = join(import.meta.dirname, 'kill-at-point.ts')
/** Some points are passed seldom: then the process is killed wherever it is. */
const POINT_WITHIN_MS = 3_000

/** The processes of production: two APIs and two workers, each of which may die at any time and is started again. */
export class Fleet implements AsyncDisposable {
  readonly urls: readonly string[]
  readonly #members: ReadonlyMap<MemberName, Member>
  readonly #folder: string

  private constructor(urls: readonly string[], members: ReadonlyMap<MemberName, Member>, folder: string) {
    this.urls = urls
    this.#members = members
    this.#folder = folder
  }

  /** @param changed settings of all of them */
  static async start(system: RealSystem, changed: Settings): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), 'samaconso-crash-'))
    // An API comes back on its port, as behind a balancer.
    const ports = [await freePort(), await freePort()] as const
    const api = (port: number) => async (settings: Settings) =>
      (await system.api({ ...settings, PORT: `${port}` })).program
    const starts: [MemberName, (settings: Settings) => Promise<StartedProgram>][] = [
      ['api 1', api(ports[0])],
      ['api 2', api(ports[1])],
      ['worker 1', (settings) => system.worker('urgent,high_priority', settings)],
      ['worker 2', (settings) => system.worker('normal,low_priority', settings)],
    ]
    const members = await Promise.all(
      starts.map(async ([name, startWith]): Promise<[MemberName, Member]> => {
        const orderFile = join(folder, name)
        const settings = { ...changed, NODE_OPTIONS: `--import=${PRELOAD}`, CRASH_ORDER: orderFile }
        const start = (): Promise<StartedProgram> => startWith(settings)
        return [name, { start, orderFile, program: await start() }]
      }),
    )
    return new Fleet(
      ports.map((port) => `http://127.0.0.1:${port}`),
      new Map(members),
      folder,
    )
  }

  /** Kills one at the n-th passing of a point, or at once. Resolves when it is dead, with the point if it was reached. */
  async kill(name: MemberName, at?: { readonly point: Point; readonly passing: number }): Promise<Point | undefined> {
    const { program, orderFile } = this.#member(name)
    if (at !== undefined) {
      writeFileSync(orderFile, JSON.stringify(at))
      program.signal('SIGUSR2')
    }
    const reached =
      at !== undefined && (await Promise.race([program.exited.then(() => true), delay(POINT_WITHIN_MS, false)]))
    program.signal('SIGKILL')
    await program.exited
    return reached ? at?.point : undefined
  }

  /** Resolves when it is ready again. */
  async restart(name: MemberName): Promise<void> {
    const member = this.#member(name)
    member.program = await member.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #member(name: MemberName): Member {
    const member = this.#members.get(name)
    if (member === undefined) throw new Error(`nobody is called ${name}`)
    return member
  }
}
