import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { POINTS } from './points.ts'

/**
 * Loaded before a program of the system (`--import`): at SIGUSR2 it reads from the file named by CRASH_ORDER at which
 * passing of which point the process is to kill itself, and does so right there.
 */

let order: { point: string; passing: number } | undefined

process.on('SIGUSR2', () => {
  order = JSON.parse(readFileSync(process.env['CRASH_ORDER'] ?? '', 'utf8')) as { point: string; passing: number }
})

for (const point of POINTS) {
  subscribe(`samaconso:${point}`, () => {
    if (order?.point !== point) return
    order.passing -= 1
    if (order.passing <= 0) process.kill(process.pid, 'SIGKILL')
  })
}
