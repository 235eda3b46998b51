-- Take what is due: {taken, abandoned, time of the next due}. Sent twice it takes other things;
-- the first ones come back when their lease runs out, as they do when a replica dies.
local due, audit = KEYS[1], KEYS[2]
local prefix, now, lease_end, limit = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local most_takes, ttl, now_iso = tonumber(ARGV[5]), ARGV[6], ARGV[7]

-- It was taken too often: something in it stops every worker. Give it up and say so.
local function abandon(member, record, kind)
  forget(due, record, member, ttl)
  say(audit, cjson.encode({cjson.encode({
    at = now_iso, kind = 'abandoned', reason = 'taken_too_often', target = member, detail = kind,
  })}))
end

local taken, abandoned = {}, {}
for _, member in ipairs(redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
  local record = prefix .. member
  local seen = redis.call('HMGET', record, 'doc', 'body', 'fence', 'kind', 'until')
  if not seen[1] and not seen[2] then
    redis.call('ZREM', due, member)
  elseif seen[2] and tonumber(seen[3]) >= most_takes then
    abandon(member, record, seen[4])
    abandoned[#abandoned + 1] = member
  else
    local fence = redis.call('HINCRBY', record, 'fence', 1)
    redis.call('HSET', record, 'until', lease_end)
    -- Whoever leases sees the record as it is now, so earlier wishes for a look are met.
    redis.call('HDEL', record, 'again')
    redis.call('ZADD', due, lease_end, member)
    -- A lease that was never given back: its worker may have done more than is written down.
    local interrupted = seen[5] and 1 or 0
    taken[#taken + 1] = {member, fence, redis.call('HGETALL', record), interrupted}
  end
end
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
return {taken, abandoned, first[2] or false}
