"""The scripts of the common memory. Each uses the keys of one bucket.

A key of another type is left as it is. It counts as missing for a read, and a write answers `foreign`.
"""

from typing import Final

from ocpp_transports.cluster._redis._scripts import Script

__all__ = ["ADD_ANSWERS", "PUT_SESSION", "READ", "TAKE"]

_CLOCK: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function digits(number) return string.format('%.0f', number) end
local function is_ours(key, kind)
  local found = redis.call('TYPE', key).ok
  return found == kind or found == 'none'
end
"""

READ: Final = Script(
    _CLOCK
    + """
return {
  digits(now),
  is_ours(KEYS[1], 'string') and redis.call('GET', KEYS[1]),
  is_ours(KEYS[2], 'list') and redis.call('LRANGE', KEYS[2], -ARGV[1], -1) or {},
}
"""
)
"""Session and responses; most responses. The time of Redis in µs, and both."""

PUT_SESSION: Final = Script(
    _CLOCK
    + """
local function fence(text) return tonumber(string.match(text or '', '^(%d+)|') or 0) end
if not is_ours(KEYS[2], 'string') then return 'foreign' end
local owner, kept = redis.call('HGET', KEYS[1], '=' .. ARGV[1]), redis.call('GET', KEYS[2])
if kept and not string.match(kept, '^%d+|') then return 'foreign' end
if math.max(fence(owner), fence(kept)) > tonumber(ARGV[2]) then return 'older' end
redis.call('SET', KEYS[2], ARGV[2] .. '|' .. ARGV[3], 'PX', ARGV[4])
return 'written'
"""
)
"""Bucket and session; station, fence, text, milliseconds. Writes nothing if there is a newer claim or session."""

ADD_ANSWERS: Final = Script(
    _CLOCK
    + """
if not is_ours(KEYS[1], 'list') then return 'foreign' end
if ARGV[3] == '1' then redis.call('DEL', KEYS[1]) end
local ends = digits(now + ARGV[2] * 1000)
for at = 4, #ARGV do redis.call('RPUSH', KEYS[1], ends .. '|' .. ARGV[at]) end
redis.call('LTRIM', KEYS[1], -ARGV[1], -1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'written'
"""
)
"""Responses; most responses, milliseconds, 1 to remove the earlier ones, and each new one. The oldest ones go."""

TAKE: Final = Script(
    _CLOCK
    + """
local kept = is_ours(KEYS[1], 'string')
local full = kept and tonumber(redis.call('GET', KEYS[1]) or '') or 0
local left = math.min(math.max(full - now, 0) + ARGV[1], tonumber(ARGV[2]))
if kept then redis.call('SET', KEYS[1], digits(now + left), 'PX', math.ceil(left / 1000)) end
return digits(left)
"""
)
"""Bucket of an owner; µs for the tokens that are taken, and most µs. The µs until it is full."""
