import { type Setting, SETTINGS } from '#src/config/settings.ts'
import { keepCurrent } from './generated-file.ts'

/** Writes docs/configuration.md from the settings that the program reads. */

const rows = (SETTINGS as readonly Setting[]).map(({ name, kind, what, must, may, default: byDefault }) =>
  [
    '',
    `\`${name}\``,
    kind === 'secret' ? 'yes' : '',
    byDefault === undefined ? '' : `\`${byDefault}\``,
    must.join(', '),
    may.join(', '),
    `${what} `,
  ].join(' | '),
)

await keepCurrent(
  'docs/configuration.md',
  `# Settings

Made from the sources by \`npm run generate\`. All come from the environment. A secret can be given as \`NAME_FILE\`
too: the path of a file that holds it. A process refuses to start with all problems at once, by name and without
values; \`npm run -s samaconso -- check-config ROLE\` says so beforehand.

| name | secret | default | must be set for | may be set for | what |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => `${row.trim()}|`).join('\n')}
`,
)
