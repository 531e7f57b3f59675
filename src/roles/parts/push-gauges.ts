import { Gauge, type Registry } from 'prom-client'
import type { RecentPushCounter, RecentPushes } from '#src/modules/notifications/recent-pushes.ts'

/** What became of the pushes of the last 15 minutes. All processes tell the same, as they ask the same database. */
export function registerPushGauges(registry: Registry, counter: RecentPushCounter): void {
  registry.registerMetric(
    new Gauge({
      name: 'push_recent',
      help: 'pushes of the last 15 minutes by what became of them',
      labelNames: ['outcome'],
      registers: [],
      async collect() {
        const recent = await counter.read().catch(() => UNKNOWN)
        this.labels('sent').set(recent.sent)
        this.labels('failed').set(recent.failed)
        this.labels('dead_target').set(recent.dead)
      },
    }),
  )
  const one = (name: string, help: string, value: (recent: RecentPushes) => number) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        async collect() {
          this.set(value(await counter.read().catch(() => UNKNOWN)))
        },
      }),
    )
  one('push_retrying', 'pushes that wait for another attempt, counted to 100,000', ({ retrying }) => retrying)
  one(
    'push_failed_ratio',
    'of the pushes of the last 15 minutes, those that failed; dead targets are no failure',
    (recent) => shareOf(recent.failed, recent),
  )
  one('push_dead_target_ratio', 'of the pushes of the last 15 minutes, those whose target was dead', (recent) =>
    shareOf(recent.dead, recent),
  )
  one(
    'push_sender_mismatch_ratio',
    "of the pushes of the last 15 minutes, those refused as another project's",
    (recent) => shareOf(recent.senderMismatch, recent),
  )
}

/** Without the database there is no number, and a scrape must not fail for it. */
const UNKNOWN: RecentPushes = {
  sent: Number.NaN,
  failed: Number.NaN,
  senderMismatch: Number.NaN,
  dead: Number.NaN,
  retrying: Number.NaN,
}

function shareOf(count: number, { sent, failed, dead }: RecentPushes): number {
  const all = sent + failed + dead
  return all === 0 ? 0 : count / all
}
