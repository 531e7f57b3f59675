import { ERROR_NAMES } from './google-errors.ts'
import { type Action, PREFIXES } from './rules.ts'

const meaning = (action: Action): string => {
  if (action.error !== undefined) return action.error
  const [name = '', value] = Object.entries(action)[0] ?? []
  return value === true ? name : `${name} ${value}`
}

const prefixLines = Object.entries(PREFIXES).map(([prefix, action]) => `  ${prefix.padEnd(14)} ${meaning(action)}`)

/** What the command line's --help says of the simulator's control routes. */
export const controlHelp = `Any target is accepted unless a rule or its prefix says otherwise.

Prefixes of a target (token, fid, topic or condition):
${prefixLines.join('\n')}

Control routes (plain HTTP on 127.0.0.1, JSON):
  GET    /rules            the rules with their hits
  POST   /rules            add {"match": {...}, "action": {...}, "count": N}; the first that matches acts
           match   on: "send" (default) or "token"; target; prefix; share 0..1. Empty matches all
           action  delay_ms, and at most one of error, reset, refuse, hang, goaway, half_answer,
                   answer {"status": N, "headers": {...}, "body": "..."}; retry_after_s goes with an error
           count   how often it acts; without it, for ever
  DELETE /rules[?id=N]     remove one, or all
  GET    /messages?target=&since=&limit=
                           what was received; since is a sequence number or an ISO time, limit at most 1000
  GET    /messages/count   counts of all, by outcome and by protocol
  GET    /pushes/count     with --counts-only: how many pushes (a target and its data.message_id) were accepted once,
                           twice …, and a digest of which
  DELETE /messages         forget messages and counts
  POST   /tokens/revoke    every bearer token stops working (401)
  POST   /goaway           GOAWAY on every HTTP/2 connection
  POST   /die[?for_ms=N]   drop every connection and stop listening; with for_ms, come back after it

Errors: ${ERROR_NAMES.join(', ')}
  refuse: the stream was not processed (REFUSED_STREAM). goaway: this stream and later ones were not.
  reset, hang, half_answer: the client cannot know. On "token" an error is answered as OAuth does.

  curl -X POST http://127.0.0.1:PORT/rules -d '{"match":{"share":0.1},"action":{"error":"UNAVAILABLE","retry_after_s":30}}'
`
