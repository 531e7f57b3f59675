import { glob } from 'node:fs/promises'
import { definedErrors } from '#src/core/errors.ts'
import { statusOf } from '#src/http/problem.ts'
import { keepCurrent } from './generated-file.ts'

/** Writes docs/errors.md from the sources: no code without its line, no line without its code. */

const root = new URL('..', import.meta.url)
for await (const file of glob('src/**/errors.ts', { cwd: root })) await import(new URL(file, root).href)

const rows = [...definedErrors]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, { kind, text }]) => `| \`${code}\` | ${statusOf(kind)} | ${text.fr} | ${text.en} |`)

await keepCurrent(
  'docs/errors.md',
  `# Error codes

Made from the sources by \`npm run generate\`. Every error is an RFC 9457 problem (\`application/problem+json\`)
with a \`code\` that never changes; \`detail\` is the sentence below in the language asked for, French by default.
One answer has a finer status than its code: 415 for a body that is not JSON.

| code | status | French | English |
| --- | --- | --- | --- |
${rows.join('\n')}
`,
)
