-- Put off what does not load, and say so once; a lease that has passed on changes nothing.
-- KEYS: record, due, audit
-- ARGV: member, fence, due_at, entries

local seen = redis.call('HMGET', record, 'fence', 'until')
if seen[1] ~= fence then return 0 end
if not seen[2] then return 1 end
redis.call('HDEL', record, 'until', 'again')
redis.call('ZADD', due, due_at, member)
if redis.call('HSETNX', record, 'deferred', 1) == 1 then append_entries(audit, entries) end
return 1
