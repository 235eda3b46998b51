-- Put off what does not load, and say so once for each change of it: 2 if that is now. A lease that has
-- passed on changes nothing: 0. A delivery that was put off `most` times is dropped: 3.
-- KEYS: record, due, audit
-- ARGV: member, fence, due_at, entries, dropped, most, ttl, audit_kept

local seen = redis.call('HMGET', record, 'fence', 'until', 'deferred', 'deferrals')
if seen[1] ~= fence then return 0 end
if not seen[2] and tonumber(seen[4] or 0) > tonumber(most) then return 3 end
if not seen[2] then return seen[3] == fence and 2 or 1 end
if redis.call('HEXISTS', record, 'body') == 1
    and redis.call('HINCRBY', record, 'deferrals', 1) > tonumber(most) then
  forget(due, record, member, ttl)
  append_entries(audit, dropped, audit_kept)
  return 3
end
redis.call('HDEL', record, 'until', 'again')
redis.call('ZADD', due, due_at, member)
if seen[3] then return 1 end
redis.call('HSET', record, 'deferred', fence)
append_entries(audit, entries, audit_kept)
return 2
