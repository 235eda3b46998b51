-- Take what is due: {taken, abandoned, lost, time of the next due}. Sent twice it takes other things;
-- the first ones come back when their lease runs out, as they do when a replica dies.
-- KEYS: due, living, claims, traces, audit
-- ARGV: prefix, now, lease_ms, limit, max_cuts, ttl, now_iso, put_off_ms, task_ttl, audit_kept
local AT_A_TIME = 10
max_cuts = tonumber(max_cuts)
local lease_end, later = now + lease_ms, now + put_off_ms

-- Its workers died too often: something in it stops every one of them. Give it up and say so. What is
-- put off in good order, because Slack or the cluster is away, may be taken as often as it needs.
local function abandon(member, record, kind)
  forget(due, record, member, ttl)
  append_entries(audit, cjson.encode({cjson.encode({
    at = now_iso, kind = 'abandoned', reason = 'taken_too_often', target = member, detail = kind,
  })}), audit_kept)
end

-- The same of a task, which must not be lost: it is tried once more after every pause.
local function put_off(member, record)
  redis.call('HSET', record, 'cuts', max_cuts - 1)
  redis.call('HDEL', record, 'until')
  redis.call('ZADD', due, later, member)
end

-- Its record is gone: evicted, or deleted by hand. {member, 1 if somebody could be waiting for it}.
local function lose(member)
  redis.call('ZREM', due, member)
  local id, missed = string.match(member, '^restore:(.+)$'), 1
  if id then missed = give_up(prefix, due, living, claims, traces, id, 'gone', now, task_ttl) end
  if missed == 1 then
    append_entries(audit, cjson.encode({cjson.encode({
      at = now_iso, kind = 'record-lost', reason = 'gone', restore = id, target = member,
    })}), audit_kept)
  end
  return {member, missed}
end

local taken, abandoned, lost = {}, {}, {}
for _, member in ipairs(redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
  local record = prefix .. member
  local seen = redis.call('HMGET', record, 'doc', 'body', 'cuts', 'kind', 'until', 'task')
  -- A lease that was never given back: its worker may have done more than is written down.
  local interrupted = seen[5] and 1 or 0
  local counted = seen[2] or seen[6]
  if not seen[1] and not counted then
    lost[#lost + 1] = lose(member)
  elseif counted and tonumber(seen[3] or 0) + interrupted >= max_cuts then
    if seen[2] then abandon(member, record, seen[4]) else put_off(member, record) end
    abandoned[#abandoned + 1] = member
  else
    local fence = redis.call('HINCRBY', record, 'fence', 1)
    redis.call('HSET', record, 'until', lease_end)
    if counted and interrupted == 1 then redis.call('HINCRBY', record, 'cuts', 1) end
    -- The worker that leases sees the record as it is now, so earlier requests for a look are met.
    redis.call('HDEL', record, 'again', 'newer')
    redis.call('ZADD', due, lease_end, member)
    taken[#taken + 1] = {member, fence, redis.call('HGETALL', record), interrupted}
  end
end

-- A question may wait for an hour, and nobody looks at it: each time a few live restores are asked about,
-- others in the next second. One without a record is lost; one that is not in the queue is put back.
local count = redis.call('ZCARD', living)
local from = count > 0 and math.floor(now / 1000) * AT_A_TIME % count or 0
for _, id in ipairs(redis.call('ZRANGE', living, from, from + AT_A_TIME - 1)) do
  local member = 'restore:' .. id
  if redis.call('HEXISTS', prefix .. member, 'doc') == 0 then
    lost[#lost + 1] = lose(member)
  elseif not redis.call('ZSCORE', due, member) then
    redis.call('ZADD', due, now, member)
  end
end

local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
return {taken, abandoned, lost, first[2] or false, now}
