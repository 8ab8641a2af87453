"""The scripts of the registry and of the streams.

Each uses one key, or the keys of one node: one slot of Redis Cluster. A script reads and checks everything before it
writes, so that a value that is not ours stops it before it has changed anything.

The hash of a bucket has these fields:

    =<identity>    "<fence>|<node>": who has the station
    ~<node>        how many stations other nodes took from this one
    fence          the largest fence that was ever given in this bucket
    since          Redis's time in µs when the hash was made

The nodes that wait for a station are a set of their own, so that it expires. A claim takes it away.

Fences are Redis's time in µs: they stay comparable after all data is lost. `fence` keeps them increasing when that
clock is set back. A counter of losses is reported with `since` added, so that it also grows when the hash was lost:
the generation shows the loss of all data by a restart, and not that a key was deleted or evicted.
"""

from dataclasses import field
from hashlib import sha1
from typing import Final

from ocpp_core._dataclasses import dataclass

__all__ = ["CLAIM", "RELEASE", "RESTORE", "SEND", "STATE", "SWEEP", "TAKE_TURN", "TRIM", "WATCH", "Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the digest by which Redis remembers it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)


_CLOCK: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function digits(number) return string.format('%.0f', number) end
local function generation()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
end
"""
_BUCKET: Final = (
    _CLOCK
    + """
local hash, station, me = KEYS[1], '=' .. ARGV[1], ARGV[2]

local function whole(text, default)
  if not text then return default end
  if string.match(text, '^%d+$') and #text < 17 then return tonumber(text) end
end
local function split(text)
  if not text then return 0, nil end
  local fence, owner = string.match(text, '^(%d+)|(.+)$')
  return whole(fence or 'x'), owner
end

local found = redis.call('HMGET', hash, station, '~' .. me, 'fence', 'since')
local fence, owner = split(found[1])
local lost, largest, since = whole(found[2], 0), whole(found[3], 0), whole(found[4], now)
if not (fence and lost and largest and since) then return {'foreign'} end

local function own(new)
  if owner and owner ~= me then redis.call('HINCRBY', hash, '~' .. owner, 1) end
  redis.call('HSET', hash, station, digits(new) .. '|' .. me,
    'fence', digits(math.max(largest, new)), 'since', digits(since))
end
local function answer(word, given)
  return {word, digits(given), digits(since + lost), found[1] or '', generation()}
end
"""
)

CLAIM: Final = Script(
    _BUCKET
    + """
local waiters = redis.call('SMEMBERS', KEYS[2])
local new = math.max(now, largest + 1)
own(new)
if #waiters > 0 then redis.call('DEL', KEYS[2]) end
local claimed = answer('ours', new)
claimed[6] = waiters
return claimed
"""
)
"""Bucket, waiters; identity, node. The newest claim wins."""

WATCH: Final = Script(
    """
local owner = redis.call('HGET', KEYS[1], '=' .. ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return owner
"""
)
"""Bucket, waiters; identity, node, milliseconds. Enters the node, and returns who has the station."""

RESTORE: Final = Script(
    _BUCKET
    + """
local old = tonumber(ARGV[3])
if owner == me and fence == old then return answer('ours', old) end
if fence >= old then return answer('older', old) end
own(old)
return answer('ours', old)
"""
)
"""Bucket; identity, node, fence. A claim with the fence of an earlier one, which loses against a newer one."""

STATE: Final = _CLOCK + "return {digits(now), generation()}"
"""The text of a script without keys, for each server: its time, and the name of this life of its data. The time is that
at which a bucket without data begins."""

RELEASE: Final = Script(
    """
if redis.call('HGET', KEYS[1], '=' .. ARGV[1]) ~= ARGV[3] .. '|' .. ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], '=' .. ARGV[1])
"""
)
"""Bucket; identity, node, fence. Does nothing if the station has another owner or fence."""

SEND: Final = Script(
    """
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 'dead' end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('XADD', KEYS[2], '*', 'n', ARGV[1], 'f', ARGV[2])
redis.call('PEXPIRE', KEYS[2], left + 10000)
return 'sent'
"""
)
"""Lease and stream of the receiver; sender, frame, most entries. Writes only to a node that has its lease."""

SWEEP: Final = Script(
    """
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local is_dead, seen, named, gone, lost = {}, {}, {}, {}, 0
for at = 3, #ARGV do is_dead[ARGV[at]] = true end
local fields = page[2]
for at = 1, #fields, 2 do
  local field, value, node = fields[at], fields[at + 1], nil
  if string.sub(field, 1, 1) == '=' then
    node = string.match(value, '^%d+|(.+)$')
  elseif string.sub(field, 1, 1) == '~' and string.match(value, '^%d+$') and #value < 17 then
    node = string.sub(field, 2)
  end
  if node and is_dead[node] then
    gone[#gone + 1] = field
    if string.sub(field, 1, 1) == '~' then lost = lost + tonumber(value) end
  elseif node and not seen[node] then
    seen[node] = true
    named[#named + 1] = node
  end
end
if #gone > 0 then
  local since = redis.call('HGET', KEYS[1], 'since') or ''
  if not (string.match(since, '^%d+$') and #since < 17) then return {'foreign'} end
  for at = 1, #gone do redis.call('HDEL', KEYS[1], gone[at]) end
  redis.call('HINCRBY', KEYS[1], 'since', string.format('%.0f', lost + 1))
end
return {page[1], #gone, named}
"""
)
"""Bucket; cursor, fields at a time, dead nodes. Removes what the dead nodes have, and returns the cursor of the next
part, how many fields were removed, and which other nodes are named.

The counters of all nodes are reported with `since` added, so they grow by more than what is removed. A node that is
alive after all then checks its stations, and takes back what was removed.
"""

TAKE_TURN: Final = Script(
    """
local node = redis.call('GET', KEYS[1])
if node and node ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)
"""Key; node, milliseconds. The first node that asks sweeps, until it asks no more."""

TRIM: Final = Script("return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])")
"""Stream; the first ID that stays. A script, because coredis takes no whole ID here."""
