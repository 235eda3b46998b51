-- A delivery is dealt with.
-- The fence alone decides: as long as it stands, nobody else has begun the work, however late it is.
local record, due = KEYS[1], KEYS[2]
local member, fence, ttl = ARGV[1], ARGV[2], ARGV[3]

local seen = redis.call('HMGET', record, 'fence', 'settled')
if seen[1] ~= fence then return 0 end
if seen[2] then return 1 end
forget(due, record, member, ttl)
return 1
