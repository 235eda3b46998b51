-- Lengthen a lease that still stands.
-- KEYS: record, due
-- ARGV: member, fence, now, lease_ms
local lease_end = now + lease_ms

local seen = redis.call('HMGET', record, 'fence', 'until')
if seen[1] ~= fence or not seen[2] or tonumber(seen[2]) <= now then return 0 end
redis.call('HSET', record, 'until', lease_end)
redis.call('ZADD', due, lease_end, member)
return 1
