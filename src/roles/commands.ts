import { ROLES, type Setting, SETTINGS } from '#src/config/settings.ts'
import { uses } from '#src/config/load.ts'
import type { Command } from './command.ts'

export const COMMANDS: readonly Command[] = [
  {
    name: 'embedded',
    usage: '',
    summary: 'the whole system in one process tree, with demo data; what npm start runs',
    settings: 'embedded',
    load: () => import('./embedded.ts'),
  },
  {
    name: 'api',
    usage: '',
    summary: 'one instance of the HTTP API, on every address of the machine',
    settings: 'api',
    load: () => import('./api.ts'),
  },
  {
    name: 'worker',
    usage: '--queues a,b [--concurrency N] [--name N]',
    summary: 'a Celery worker that pushes; queues are urgent, high_priority, normal, low_priority',
    settings: 'worker',
    load: () => import('./worker.ts'),
  },
  {
    name: 'migrate',
    usage: '',
    summary: 'bring the database up to this release',
    settings: 'migrate',
    load: () => import('./migrate.ts'),
  },
  {
    name: 'create-staff',
    usage:
      '--login L --role agent|admin|service [--agency CODE] [--first-name F] [--last-name N] [--password-file PATH]',
    summary: 'make a staff account; the password comes from the file or from standard input',
    settings: 'create',
    load: () => import('./create-staff.ts'),
  },
  {
    name: 'create-customer',
    usage: '--phone P [--first-name F] [--last-name N] [--pin-file PATH]',
    summary: 'make a customer account; the PIN comes from the file or from standard input',
    settings: 'create',
    load: () => import('./create-customer.ts'),
  },
  {
    name: 'generate',
    usage: '--customers N [--months N] [--seed TEXT] [--pin-file PATH] [--yes-fill DATABASE]',
    summary: 'fill an empty database with made-up customers who can log in, for tests of size',
    settings: 'create',
    load: () => import('./generate.ts'),
  },
  {
    name: 'notifications',
    usage: 'watch ID',
    summary:
      'how far a notification is, with a progress bar on a terminal; ends with it: 0 when done, 1 when cancelled',
    settings: 'create',
    load: () => import('./notifications.ts'),
  },
  {
    name: 'dead-letters',
    usage: 'list | show ID | replay ID… | replay --all | drop ID…',
    summary: 'the messages that no worker could use: look at them, send them again, or forget them',
    settings: 'operator',
    load: () => import('./dead-letters.ts'),
  },
  {
    name: 'check-config',
    usage: ROLES.join('|'),
    summary: 'check the settings of a process and exit 0 or 1',
    settings: undefined,
    load: () => import('./check-config.ts'),
  },
  {
    name: 'simulate',
    usage: 'sic|fcm --port P [--data DIR] [--help]',
    summary: "one simulator alone: the utility's SQL Servers (TDS) or Firebase Cloud Messaging",
    settings: undefined,
    load: () => import('./simulate.ts'),
  },
]

export function helpText(): string {
  const commands = COMMANDS.map((command) => {
    const settings = settingsOf(command)
    return [
      `  ${command.name} ${command.usage}`.trimEnd(),
      `      ${command.summary}`,
      ...(settings.length > 0 ? [`      settings: ${settings.join(', ')}`] : []),
    ].join('\n')
  })
  const settings = SETTINGS.map(settingLine)
  return [
    'Usage: node src/main.ts COMMAND [options]',
    '',
    'Commands:',
    ...commands,
    '',
    'Settings (environment; a secret also as NAME_FILE, the path of a file that holds it):',
    ...settings,
    '',
  ].join('\n')
}

function settingsOf({ settings: role }: Command): string[] {
  if (role === undefined) return []
  return (SETTINGS as readonly Setting[])
    .filter((setting) => uses(setting, role))
    .map((setting) => (setting.must.includes(role) ? `${setting.name} (must)` : setting.name))
}

function settingLine(setting: Setting): string {
  const byDefault = setting.default === undefined ? '' : ` (default ${setting.default})`
  return `  ${setting.name}${byDefault}\n      ${setting.what}`
}
