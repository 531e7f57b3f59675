import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '#src/simulators/sic/data/random.ts'
import { freePort } from '#test/support/free-port.ts'
import type { StartedProgram } from '#test/support/processes.ts'
import type { RealSystem } from '#test/support/real-system.ts'

interface Member {
  readonly name: string
  readonly start: () => Promise<StartedProgram>
  program: StartedProgram
}

/** The processes of production: two APIs and two workers, each of which may die at any time and is started again. */
export class Fleet {
  readonly urls: readonly string[]
  readonly kills = new Map<string, number>()
  readonly #members: readonly Member[]

  private constructor(urls: readonly string[], members: readonly Member[]) {
    this.urls = urls
    this.#members = members
  }

  static async start(system: RealSystem): Promise<Fleet> {
    // An API comes back on its port, as behind a balancer.
    const ports = [await freePort(), await freePort()]
    const starts: [name: string, start: () => Promise<StartedProgram>][] = [
      ...ports.map((port, index): [string, () => Promise<StartedProgram>] => [
        `api ${index + 1}`,
        async () => (await system.api({ PORT: `${port}` })).program,
      ]),
      ['worker 1', () => system.worker('urgent,high_priority')],
      ['worker 2', () => system.worker('normal,low_priority')],
    ]
    const members = await Promise.all(starts.map(async ([name, start]) => ({ name, start, program: await start() })))
    return new Fleet(
      ports.map((port) => `http://127.0.0.1:${port}`),
      members,
    )
  }

  /** Kills one of them within `withinMs`, drawn by lot, and returns its name when it is back. */
  async killOne(random: Random, withinMs: number): Promise<string> {
    const member = random.pick(this.#members)
    await delay(random.between(0, withinMs))
    member.program.signal('SIGKILL')
    await member.program.exited
    this.kills.set(member.name, (this.kills.get(member.name) ?? 0) + 1)
    member.program = await member.start()
    return member.name
  }
}
