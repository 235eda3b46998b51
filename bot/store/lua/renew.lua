-- Lengthen a lease that still stands.
local record, due = KEYS[1], KEYS[2]
local member, fence, now, lease_end = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local seen = redis.call('HMGET', record, 'fence', 'until')
if seen[1] ~= fence or not seen[2] or tonumber(seen[2]) <= now then return 0 end
redis.call('HSET', record, 'until', lease_end)
redis.call('ZADD', due, lease_end, member)
return 1
