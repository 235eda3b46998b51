-- A delivery is dealt with.
-- The fence alone decides, however late it is: while it stands, nobody else has begun the work.
-- KEYS: record, due
-- ARGV: member, fence, ttl

if redis.call('HGET', record, 'fence') ~= fence then return 0 end
forget(due, record, member, ttl)
return 1
