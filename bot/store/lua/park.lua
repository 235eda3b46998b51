-- Put off what does not load, and say so once; a lease that has passed on changes nothing.
local record, due, audit = KEYS[1], KEYS[2], KEYS[3]
local member, fence, due_at, entries = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local seen = redis.call('HMGET', record, 'fence', 'until')
if seen[1] ~= fence then return 0 end
if not seen[2] then return 1 end
redis.call('HDEL', record, 'until', 'again')
redis.call('ZADD', due, due_at, member)
if redis.call('HSETNX', record, 'parked', 1) == 1 then say(audit, entries) end
return 1
