-- What several scripts do the same way. Put before each of them.

local AUDIT_LENGTH = 100000
local ENTRIES_OF_ONE = 1000
local HISTORY_LENGTH = 20
local RECENT_LENGTH = 200
local MAX_HOMES = 200
local HOME_KEPT = 14 * 24 * 3600 * 1000
-- Homes are drawn so long after a restore has moved, all its moves of that time at once.
local HOME_PAUSE = 3000

-- The present, in ms: the time of this server, which is the same for all replicas. `told` stands for it
-- where time is moved by hand; else it is ''.
local function present(told)
  if told ~= '' then return tonumber(told) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Add an entry (JSON) to a stream. `chain` is the SHA-1 of the chain before it and the entry, so that a
-- change, a gap or another order is seen by a reader of it (`bot/store/audit.py:faults`). `number` is
-- the place among the entries of all streams, several of which may be written in one millisecond.
local function chain_entry(stream, entry, length, number)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local before = last and last[2][4] or ''
  redis.call('XADD', stream, 'MAXLEN', '~', length, '*', 'entry', entry,
    'chain', redis.sha1hex(before .. entry), 'n', number)
end

-- Add entries (a JSON list of JSON texts) to the audit streams: those of a restore to its own, which
-- nobody else's entries push out, and which lives `kept` seconds longer than its last entry.
local function append_entries(audit, entries, kept)
  local time = redis.call('TIME')
  for _, entry in ipairs(cjson.decode(entries)) do
    local id, number = cjson.decode(entry).restore, redis.call('INCR', audit .. '-count')
    if id and id ~= cjson.null then
      local stream, index = audit .. ':' .. id, audit .. 's'
      chain_entry(stream, entry, ENTRIES_OF_ONE, number)
      redis.call('EXPIRE', stream, kept)
      redis.call('ZADD', index, time[1], id)
      redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. time[1] - kept)
    else
      chain_entry(audit, entry, AUDIT_LENGTH, number)
    end
  end
end

-- Make a record due, though it may be leased just now. As long as that lease has not been released,
-- the mark makes `release` put the record back as due now, so that no request is lost. A lease that
-- has run out no longer hides the record. `option` is an option of ZADD or nil.
local function ask_for(due, record, member, score, now, option)
  local held = redis.call('HGET', record, 'until')
  if held then
    redis.call('HSET', record, 'again', 1)
    if tonumber(held) > now then return end
  end
  if option then
    redis.call('ZADD', due, option, score, member)
  else
    redis.call('ZADD', due, score, member)
  end
end

-- A restore has moved, which its audit entries tell: the homes that somebody has open show it soon.
-- One that is being drawn is drawn once more, after the same pause.
local function refresh(prefix, due, homes, entries, now)
  if entries == '[]' then return end
  local known = redis.call('ZRANGE', homes, '+inf', now - HOME_KEPT, 'BYSCORE', 'REV',
    'LIMIT', 0, MAX_HOMES)
  for _, member in ipairs(known) do
    local held = redis.call('HGET', prefix .. member, 'until')
    if held then redis.call('HSETNX', prefix .. member, 'again', now + HOME_PAUSE) end
    if not held or tonumber(held) <= now then
      redis.call('ZADD', due, 'LT', now + HOME_PAUSE, member)
    end
  end
end

-- Drop a delivery's body but keep its name for a while, so that a copy of it is known.
-- Doing it twice changes nothing.
local function forget(due, record, member, ttl)
  redis.call('HDEL', record, 'body', 'until')
  redis.call('EXPIRE', record, ttl)
  redis.call('ZREM', due, member)
end

-- The document of the live restore that holds this VM, if it is not `id` itself.
local function held_by_other(claims, prefix, claim, id)
  local other = redis.call('HGET', claims, claim)
  if not other or other == id then return false end
  local seen = redis.call('HMGET', prefix .. 'restore:' .. other, 'claim', 'doc')
  return seen[1] == claim and seen[2]
end

-- {'too_many', where, documents} if as many live restores as `limit` ('0': no limit) are the owner's,
-- `id` itself aside; else false. The traces name the owners.
local function enough_of_owner(prefix, living, traces, id, owner, limit)
  if limit == '0' then return false end
  local found, all = {}, redis.call('HGETALL', traces)
  for i = 1, #all, 2 do
    local other, known = all[i], all[i + 1]
    -- To find the name is cheaper than to decode thousands of traces.
    if other ~= id and string.find(known, owner, 1, true) and cjson.decode(known).owner == owner
      and redis.call('ZSCORE', living, other) then
      found[#found + 1] = redis.call('HGET', prefix .. 'restore:' .. other, 'doc') or ''
    end
  end
  return #found >= tonumber(limit) and {'too_many', 'owner', found}
end

-- The same for those that hold a VM in the namespace of `claim`, if this restore is about to.
local function enough_in_namespace(prefix, record, claims, id, claim, limit)
  if limit == '0' or claim == '' or redis.call('HGET', record, 'claim') == claim then return false end
  local found, space = {}, string.match(claim, '^[^/]*/[^/]*/')
  local all = redis.call('HGETALL', claims)
  for i = 1, #all, 2 do
    local held, other = all[i], all[i + 1]
    if other ~= id and string.sub(held, 1, #space) == space then
      local seen = redis.call('HMGET', prefix .. 'restore:' .. other, 'claim', 'live', 'doc')
      if seen[1] == held and seen[2] then found[#found + 1] = seen[3] end
    end
  end
  return #found >= tonumber(limit) and {'too_many', 'namespace', found}
end

-- Let the restore hold `claim` ('' for none) and nothing else.
local function hold(record, claims, id, claim)
  local before = redis.call('HGET', record, 'claim')
  if before and before ~= claim and redis.call('HGET', claims, before) == id then
    redis.call('HDEL', claims, before)
  end
  if claim == '' then
    redis.call('HDEL', record, 'claim')
  else
    redis.call('HSET', record, 'claim', claim)
    redis.call('HSET', claims, claim, id)
  end
end

-- Keep where cards stand (a JSON list: key, card, key, card).
local function keep_cards(record, shown)
  local cards = cjson.decode(shown)
  for i = 1, #cards, 2 do
    redis.call('HSET', record, 'card:' .. cards[i], cards[i + 1])
  end
end

-- Put an id at the head of a list that is cut at so many.
local function put_first(list, id, length, ttl)
  redis.call('LPUSH', list, id)
  redis.call('LTRIM', list, 0, length - 1)
  redis.call('EXPIRE', list, ttl)
end

-- Keep or forget who owns a restore and where it is told (`trace`, JSON): as long as it is live or
-- holds a VM, it is known apart from its document.
local function remember(traces, id, live, claim, trace)
  if live == '1' or claim ~= '' then
    redis.call('HSET', traces, id, trace)
  else
    redis.call('HDEL', traces, id)
  end
end

-- A restore whose record is lost is looked into by the task "lost:ID" with this body (JSON), once: a
-- task that rests has done it.
local function look_into(prefix, due, id, body, now, ttl)
  local member = 'task:lost:' .. id
  if redis.call('EXISTS', prefix .. member) == 1 then return end
  redis.call('HSET', prefix .. member, 'fence', now, 'task', body)
  redis.call('EXPIRE', prefix .. member, ttl)
  redis.call('ZADD', due, now, member)
end

-- Take a restore whose record is lost out of every index. Its trace, if there is one, is looked into.
-- 1 if somebody could still be waiting for it.
local function give_up(prefix, due, living, claims, traces, id, why, now, ttl)
  local trace = redis.call('HGET', traces, id)
  local lived = redis.call('ZREM', living, id)
  redis.call('ZREM', due, 'restore:' .. id)
  redis.call('HDEL', traces, id)
  if not trace then return lived end
  local known = cjson.decode(trace)
  local at, asked = known.thread_ref, known.request
  if at.thread then redis.call('ZREM', prefix .. 'thread:' .. at.channel .. ':' .. at.thread, id) end
  if asked.vm and asked.namespace then
    local claim = asked.cluster .. '/' .. asked.namespace .. '/' .. asked.vm
    if redis.call('HGET', claims, claim) == id then redis.call('HDEL', claims, claim) end
  end
  look_into(prefix, due, id, '{"why":"' .. why .. '","trace":' .. trace .. '}', now, ttl)
  return 1
end

-- Put a restore where it will be found: among the living, or with a TTL among the recent ones and in
-- its VM's history; and in its thread. `opened` is when it was asked for, `vm` and `thread` are '' when not known.
local function file(prefix, record, living, recent, id, live, opened, thread, vm, ttl)
  if live == '1' then
    redis.call('ZADD', living, opened, id)
    redis.call('HSET', record, 'live', 1)
    redis.call('PERSIST', record)
  else
    local was_live = redis.call('HDEL', record, 'live')
    redis.call('ZREM', living, id)
    redis.call('EXPIRE', record, ttl)
    if was_live == 1 then
      put_first(recent, id, RECENT_LENGTH, ttl)
      if vm ~= '' then put_first(prefix .. 'history:' .. vm, id, HISTORY_LENGTH, ttl) end
    end
  end
  if thread ~= '' then
    redis.call('ZADD', prefix .. 'thread:' .. thread, opened, id)
    redis.call('EXPIRE', prefix .. 'thread:' .. thread, ttl)
  end
end
