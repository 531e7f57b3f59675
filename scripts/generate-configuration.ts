import { type Role, type Setting, SETTINGS } from '#src/config/settings.ts'
import { COMMANDS } from '#src/roles/commands.ts'
import { keepCurrent } from './generated-file.ts'

/** Writes docs/configuration.md from the settings that the program reads. */

const rows = (SETTINGS as readonly Setting[]).map(({ name, kind, what, must, may, default: byDefault }) =>
  [
    `\`${name}\``,
    kind === 'secret' ? 'yes' : '',
    byDefault === undefined ? '' : `\`${byDefault}\``,
    must.join(', '),
    may.join(', '),
    // A bare stroke would begin another column.
    what.replaceAll('|', String.raw`\|`),
  ].join(' | '),
)

const commandsOf = (role: Role): string =>
  COMMANDS.filter(({ settings }) => settings === role)
    .map(({ name }) => `\`${name}\``)
    .join(', ')

await keepCurrent(
  'docs/configuration.md',
  `# Settings

Made from the sources by \`npm run generate\`. All come from the environment. A secret can be given as \`NAME_FILE\`
too: the path of a file that holds it. A process refuses to start with all problems at once, by name and without
values; \`npm run -s samaconso -- check-config ROLE\` says so beforehand. Roles are the processes and two more:
\`create\` is ${commandsOf('create')}; \`operator\` is ${commandsOf('operator')}.

| name | secret | default | must be set for | may be set for | what |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join('\n')}
`,
)
