/** Redis time in whole milliseconds. */
const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * Keys: entry, lease. Words: lease id, lease in milliseconds, bytes that count as none.
 * Returns the time, whether the lease was taken, and the entry. A Redis that takes no writes gives leases to all.
 */
export const GET_OR_LEASE = `${TIME}
local text = string.format('%.0f', now)
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' and value ~= ARGV[3] then return {text, '0', value} end
if ARGV[2] == '0' then return {text, '0'} end
local set = redis.pcall('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {text, set and '1' or '0'}`;

/** Keys: entry, lease. Words: lease id, and, to keep an entry, when it expires and its bytes. */
export const KEEP_AND_RELEASE = `${TIME}
if redis.pcall('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if not ARGV[2] then return 0 end
local left = math.floor(tonumber(ARGV[2]) - now)
if left < 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', string.format('%.0f', left))
return 1`;

/** Key: what is remembered. Word: for how many milliseconds. */
export const SET_IF_ABSENT = `return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0`;

/**
 * The first entry of a log holds a random name. By it a reader notices a log that was lost and begun anew. Something else under the
 * key, which only a stranger can have put there, is removed.
 */
const LOG_NAME = `
local function logName(key, fresh)
  local found = redis.pcall('XRANGE', key, '-', '+', 'COUNT', 1)
  if found.err and not string.find(found.err, 'WRONGTYPE', 1, true) then error(found.err) end
  local first = found[1]
  if first and first[2][1] == 'log' then return first[2][2], first[1] end
  if first or found.err then redis.call('DEL', key) end
  return fresh, redis.call('XADD', key, '*', 'log', fresh)
end`;

/**
 * Key: the log. Words: a name for a log that is begun, the entry, for how many milliseconds it is needed.
 * Adds the entry, and removes old ones that nobody needs any more. Each says how long it is needed, because apps with other
 * lifetimes may use the same log. A log whose positions are used up, which only a stranger can have done, is begun anew.
 */
export const APPEND = `${TIME}${LOG_NAME}
logName(KEYS[1], ARGV[1])
for _, old in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 20)) do
  local fields = old[2]
  if fields[1] ~= 'log' and tonumber(string.match(old[1], '^%d+')) + (tonumber(fields[4]) or 0) < now then
    redis.call('XDEL', KEYS[1], old[1])
  end
end
local added = redis.pcall('XADD', KEYS[1], '*', 'd', ARGV[2], 'ms', ARGV[3])
if type(added) == 'table' and added.err then
  if not string.find(added.err, 'exhausted', 1, true) then error(added.err) end
  redis.call('DEL', KEYS[1])
  logName(KEYS[1], ARGV[1])
  added = redis.call('XADD', KEYS[1], '*', 'd', ARGV[2], 'ms', ARGV[3])
end
return added`;

/**
 * Key: the log. Words: a name for a log that is begun, the position to read from, how many entries at most.
 * Returns the time, the name and the first position of the log, then position, text and needed milliseconds of each entry, from that position on and including it.
 */
export const READ_LOG = `${TIME}${LOG_NAME}
local name, first = logName(KEYS[1], ARGV[1])
local reply = {string.format('%.0f', now), name, first}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])) do
  local fields = entry[2]
  local isOurs = fields[1] == 'd' and fields[2]
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = isOurs or ''
  reply[#reply + 1] = isOurs and fields[4] or ''
end
return reply`;
