import { Refusal } from '#src/roles/command.ts'

/** A port given as an option, 0 for any free one. */
export function portArgument(option: string, text: string | undefined): number {
  if (text === undefined) throw new Refusal(`${option} is missing`)
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Refusal(`${option} takes a port from 0 to 65535`)
  return port
}
