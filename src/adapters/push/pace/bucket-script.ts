import { LEAST_CAPACITY, RAMP_MS, RESERVE_SHARE } from './bucket.ts'

/**
 * `askBucket` on a state in Redis, with the same operations in the same order. Numbers travel as text with 17 digits,
 * as Redis would cut a Lua number down to a whole one. A state that was lost is an empty bucket at the least level.
 *
 * KEYS: the bucket. ARGV: tokens per ms, capacity, least level, urgent, bulk, rejectedAt, drain (0 or 1), the time in
 * ms or '' for that of Redis, which all workers share.
 */
export const BUCKET_SCRIPT = `
local speed, most, least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(ARGV[8])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
end
local function capacityAt(level) return math.max(${LEAST_CAPACITY}, level * most) end

local saved = redis.call('HMGET', KEYS[1], 'tokens', 'level', 'at', 'halvings')
local tokens, level = tonumber(saved[1]) or 0, tonumber(saved[2]) or least
local at, halvings = tonumber(saved[3]) or now, tonumber(saved[4]) or 0

local passed = math.max(0, now - at)
local capacity = capacityAt(level)
local filling = level * speed
local used = math.min(passed, math.max(0, capacity - tokens) / filling)
tokens = math.min(capacity, tokens + passed * filling)
level = math.min(1, math.max(least, level + (2 * used - passed) * ((1 - least) / ${RAMP_MS})))

if tonumber(ARGV[6]) == halvings then
  level = math.max(least, level / 2)
  halvings = halvings + 1
end
capacity = capacityAt(level)
if ARGV[7] == '1' then tokens = 0 else tokens = math.min(tokens, capacity) end
local wantUrgent, wantBulk = tonumber(ARGV[4]), tonumber(ARGV[5])
local urgent = math.min(wantUrgent, math.floor(tokens))
tokens = tokens - urgent
local reserve = capacity * ${RESERVE_SHARE}
local bulk = math.min(wantBulk, math.max(0, math.floor(tokens - reserve)))
tokens = tokens - bulk
local missing = 0
if urgent < wantUrgent then missing = 1 - tokens
elseif bulk < wantBulk then missing = 1 + reserve - tokens end
local wait = math.max(0, missing) / (level * speed)

local function exact(number) return string.format('%.17g', number) end
redis.call('HSET', KEYS[1], 'tokens', exact(tokens), 'level', exact(level), 'at', exact(math.max(now, at)),
  'halvings', exact(halvings))
redis.call('PEXPIRE', KEYS[1], 600000)
return { exact(urgent), exact(bulk), exact(wait), exact(level), exact(halvings) }
`
