-- What several scripts do the same way. Put before each of them.

local AUDIT_LENGTH = 100000
local HISTORY_LENGTH = 20

-- Add entries (a JSON list of JSON texts) to the audit stream.
local function say(audit, entries)
  for _, entry in ipairs(cjson.decode(entries)) do
    redis.call('XADD', audit, 'MAXLEN', '~', AUDIT_LENGTH, '*', 'entry', entry)
  end
end

-- Have a record looked at, though somebody may be at work on it. As long as that lease has not been
-- finished, the mark makes `finish` put the record back for now, so that no wish is lost. A lease
-- that has run out no longer hides the record. `option` is an option of ZADD or nil.
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

-- Put a restore where it will be found: among the living, or with a TTL in its VM's history;
-- and in its thread. `opened` is when it was asked for, `vm` and `thread` are '' when not known.
local function file(prefix, record, living, id, live, opened, thread, vm, ttl)
  if live == '1' then
    redis.call('ZADD', living, opened, id)
    redis.call('HSET', record, 'live', 1)
    redis.call('PERSIST', record)
  else
    local was_live = redis.call('HDEL', record, 'live')
    redis.call('ZREM', living, id)
    redis.call('EXPIRE', record, ttl)
    if was_live == 1 and vm ~= '' then
      local history = prefix .. 'history:' .. vm
      redis.call('LPUSH', history, id)
      redis.call('LTRIM', history, 0, HISTORY_LENGTH - 1)
      redis.call('EXPIRE', history, ttl)
    end
  end
  if thread ~= '' then
    redis.call('ZADD', prefix .. 'thread:' .. thread, opened, id)
    redis.call('EXPIRE', prefix .. 'thread:' .. thread, ttl)
  end
end
