/** Start of a script. It sets the variable `now` to the Redis time in whole milliseconds. */
const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * Script that reads an entry, or takes its lease, the right of one process to ask the endpoint. Keys: entry, lease. Arguments: lease id,
 * duration of the lease in milliseconds (0: take no lease), bytes of an entry that counts as missing. Returns the time, then `1` if the
 * lease was taken and otherwise `0`, then the entry if there is one. When Redis accepts no writes, every caller that wants a lease gets a
 * `1`, so that every process asks the endpoint.
 */
export const GET_OR_LEASE = `${TIME}
local text = string.format('%.0f', now)
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' and value ~= ARGV[3] then return {text, '0', value} end
if ARGV[2] == '0' then return {text, '0'} end
local set = redis.pcall('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {text, set and '1' or '0'}`;

/**
 * Script that releases a lease and stores an entry. Keys: entry, lease. Arguments: lease id; if there is an entry to store, also its expiry
 * time in milliseconds and its bytes. Removes the lease if this lease id holds it. Then stores the entry, unless the entry has expired.
 * Returns 1 if an entry was stored, otherwise 0.
 */
export const KEEP_AND_RELEASE = `${TIME}
if redis.pcall('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if not ARGV[2] then return 0 end
local left = math.floor(tonumber(ARGV[2]) - now)
if left < 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', string.format('%.0f', left))
return 1`;

/**
 * Script that stores a key, unless the key exists. Key: the key to store. Argument: time to live in milliseconds. Returns 1 if the key was
 * new, otherwise 0.
 */
export const SET_IF_ABSENT = `return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0`;

/**
 * Start of a script. It defines `logName`, a function that returns the name of a log and the stream id of its first entry, which holds this
 * random name. If the log does not exist, the function begins a log with the name `fresh`. So a new name tells a reader that the log was
 * lost and has begun again. If the value under the key does not begin with a name, another program has written it, and it is removed.
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
 * Script that appends an entry to the log. Key: the log. Arguments: a name for the log, used only if the log does not exist yet; the entry;
 * and for how many milliseconds from now the entry is needed. Adds the entry and returns its stream id. Among the 20 oldest entries,
 * removes those that are not needed any more. Each entry says how long it is needed, because apps with different lifetimes may share the
 * log. When all stream ids are used up, which only another program can cause, the log begins again.
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
 * Script that reads the log. Key: the log. Arguments: a name for the log, used only if the log does not exist yet; the stream id to read
 * from; and the maximum number of entries. Returns the time, the name of the log and the stream id of its first entry. Three values for
 * each entry follow: its stream id, its text, and for how many milliseconds it is needed. The text and the milliseconds are empty for
 * entries that `APPEND` did not write. The entry with the given stream id is included.
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
