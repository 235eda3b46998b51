-- A delivery is dealt with.
-- The fence alone decides, however late it is: while it stands, nobody else has begun the work.
local record, due = KEYS[1], KEYS[2]
local member, fence, ttl = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HGET', record, 'fence') ~= fence then return 0 end
forget(due, record, member, ttl)
return 1
