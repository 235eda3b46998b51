-- A delivery is dealt with: drop its body, keep its name for a while so that a copy is known.
-- The fence alone decides: as long as it stands, nobody else has begun the work, however late it is.
local record, due = KEYS[1], KEYS[2]
local member, fence, ttl = ARGV[1], ARGV[2], ARGV[3]

local seen = redis.call('HMGET', record, 'fence', 'settled')
if seen[1] ~= fence then return 0 end
if seen[2] then return 1 end
redis.call('HSET', record, 'settled', 1)
redis.call('HDEL', record, 'body', 'until')
redis.call('EXPIRE', record, ttl)
redis.call('ZREM', due, member)
return 1
