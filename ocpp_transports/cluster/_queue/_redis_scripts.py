"""The scripts of the queue. `QueueTable` is their twin, and says what they do.

Each uses three keys of one slot:

    queue of a station    hash: "i" is the list of its commands and outcomes as JSON, the oldest first; "p<number>" has
                          the content of a command, "o<number>" an outcome
    bucket                hash of the registry, which has the owner of the station
    queues                sorted set of the stations of the bucket with a queue, by the time when nothing is left of it

An element of the list has: n number, a action, k key, s state (q, t or s), b bytes, f node that is told the outcome,
e when it expires or is forgotten, d deadline, r how long its outcome is kept, t token, u when its mark ends. Times are
milliseconds of Redis's clock.
"""

from typing import Final

from ocpp_core.cluster.queue.settings import MAX_OUTCOMES
from ocpp_core.cluster.queue.table import CANCELLED, CANCELLED_SENT, DROPPED, EXPIRED, LOST, RESTARTED
from ocpp_transports.cluster._redis._scripts import Script

__all__ = ["ACKNOWLEDGE", "CANCEL", "ENQUEUE", "LOOK", "SETTLE", "TAKE"]

_BEGIN: Final = (
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local queue, bucket, queues, station = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local text = redis.call('HGET', queue, 'i')
local is_read, entries = true, {}
if text then is_read, entries = pcall(cjson.decode, text) end
if not is_read or type(entries) ~= 'table' then return {'foreign'} end
local owner = redis.call('HGET', bucket, '=' .. station) or ''
local set_type = redis.call('TYPE', queues).ok
if set_type ~= 'none' and set_type ~= 'zset' then return {'foreign'} end
local news, gone, changed = {}, {}, false

local function due(e) return e.s == 't' and e.u or e.e end
local function finish(e, outcome, at)
  redis.call('HDEL', queue, 'p' .. e.n)
  redis.call('HSET', queue, 'o' .. e.n, outcome)
  e.s, e.t, e.b, e.e = 's', nil, 0, at + e.r
  news[#news + 1], news[#news + 2] = e.n, e.f
  changed = true
end
local function keep(test)
  local kept = {}
  for _, e in ipairs(entries) do
    if test(e) then kept[#kept + 1] = e
    else redis.call('HDEL', queue, 'o' .. e.n); changed = true end
  end
  entries = kept
end
local function count(state)
  local number = 0
  for _, e in ipairs(entries) do if e.s == state then number = number + 1 end end
  return number
end

for _, e in ipairs(entries) do
  if e.s ~= 's' and due(e) <= now then finish(e, e.s == 't' and '"""
    + RESTARTED
    + """' or '"""
    + EXPIRED
    + """', due(e)) end
end
keep(function(e) return due(e) > now end)

local function leave()
  local excess = count('s') - """
    + str(MAX_OUTCOMES)
    + """
  if excess > 0 then keep(function(e)
    if e.s == 's' and excess > 0 then excess = excess - 1; return false end
    return true
  end) end
  if not changed then return end
  if #entries == 0 then
    redis.call('DEL', queue)
    redis.call('ZREM', queues, station)
    return
  end
  local last = now
  for _, e in ipairs(entries) do last = math.max(last, due(e) + (e.s == 's' and 0 or e.r)) end
  redis.call('HSET', queue, 'i', cjson.encode(entries))
  redis.call('PEXPIREAT', queue, string.format('%.0f', last))
  redis.call('ZADD', queues, string.format('%.0f', last), station)
  if redis.call('PTTL', queues) < last - now then redis.call('PEXPIREAT', queues, string.format('%.0f', last)) end
end
local function status(e)
  local outcome = e.s == 's' and redis.call('HGET', queue, 'o' .. e.n)
  return {e.n, e.a, e.k or '', e.s, math.floor(due(e) - now), outcome or ''}
end
"""
)
ENQUEUE: Final = Script(
    _BEGIN
    + """
local number, action, key, content, origin = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local ttl, deadline, kept = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local size, most, stations = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local found, bytes, oldest = nil, #content, nil
for _, e in ipairs(entries) do
  if not found and (e.n == number or (key ~= '' and e.k == key)) then found = e end
  if not oldest and e.s == 'q' then oldest = e end
  bytes = bytes + e.b
end
if not found then
  redis.call('ZREMRANGEBYSCORE', queues, '-inf', string.format('%.0f', now))
  local has_room = bytes <= most and (#entries > 0 or redis.call('ZCARD', queues) < stations)
  if has_room then
    if count('q') >= size then finish(oldest, '"""
    + DROPPED
    + """', now) end
    found = {n = number, a = action, s = 'q', b = #content, f = origin, r = kept, e = now + ttl}
    if key ~= '' then found.k = key end
    if deadline then found.d, found.e = now + deadline, math.min(found.e, now + deadline) end
    redis.call('HSET', queue, 'p' .. number, content)
    entries[#entries + 1] = found
    changed = true
  end
end
leave()
if not found then return {'full', owner, news} end
return {'stored', owner, news, status(found)}
"""
)
"""Station, number, action, key, content, origin, then the times and limits."""

TAKE: Final = Script(
    _BEGIN
    + """
local token, claim, patience = ARGV[2], ARGV[3], tonumber(ARGV[4])
if owner ~= claim then leave(); return {'lost', '', news} end
local taken
for _, e in ipairs(entries) do
  if e.s == 't' and e.t == token then taken = e
  elseif e.s == 't' then finish(e, '"""
    + LOST
    + """', now) end
end
if not taken then
  for _, e in ipairs(entries) do
    if e.s == 'q' then
      taken, e.s, e.t, e.u, changed = e, 't', token, e.e + patience, true
      break
    end
  end
end
leave()
if not taken then return {'none', '', news} end
local content = redis.call('HGET', queue, 'p' .. taken.n) or ''
return {'taken', '', news, {taken.n, content, math.floor(taken.e - now), taken.d and math.floor(taken.d - now) or ''}}
"""
)
"""Station, token, the entry of the station in the bucket if the node has it, patience."""

SETTLE: Final = Script(
    _BEGIN
    + """
local token, number, outcome = ARGV[2], ARGV[3], ARGV[4]
for _, e in ipairs(entries) do
  local has_lost_mark = e.n == number and e.s == 'q' and outcome ~= ''
  if has_lost_mark or (e.s == 't' and e.t == token) then
    if outcome == '' then e.s, e.t, changed = 'q', nil, true else finish(e, outcome, now) end
  end
end
leave()
return {'done', '', news}
"""
)
"""Station, token, number or nothing, outcome or nothing."""

CANCEL: Final = Script(
    _BEGIN
    + """
for _, e in ipairs(entries) do
  if e.n == ARGV[2] and e.s == 'q' then finish(e, '"""
    + CANCELLED
    + """', now)
  elseif e.n == ARGV[2] and e.s == 't' then finish(e, '"""
    + CANCELLED_SENT
    + """', now) end
end
leave()
return {'done', '', news}
"""
)
"""Station, number."""

ACKNOWLEDGE: Final = Script(
    _BEGIN
    + """
keep(function(e) return e.n ~= ARGV[2] or e.s ~= 's' end)
leave()
return {'done', '', news}
"""
)
"""Station, number."""

LOOK: Final = Script(
    _BEGIN
    + """
leave()
local all = {}
for at, e in ipairs(entries) do all[at] = status(e) end
return {'done', owner, news, all}
"""
)
"""Station."""
