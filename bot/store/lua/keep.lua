-- Have a chore: a new one, or another body and due time for the one there is.
local record, due, homes = KEYS[1], KEYS[2], KEYS[3]
local member, duty, due_at, now, ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
-- 1 for a home, which is due again whenever a restore has moved.
local home = ARGV[6]

-- From the time: a fence of a namesake that was dropped must not fit.
redis.call('HSETNX', record, 'fence', now)
redis.call('HSET', record, 'duty', duty)
redis.call('HDEL', record, 'parked')
if redis.call('HEXISTS', record, 'until') == 1 then redis.call('HSET', record, 'newer', 1) end
redis.call('EXPIRE', record, ttl)
ask_for(due, record, member, due_at, now)
if home == '1' then
  redis.call('ZADD', homes, now, member)
  redis.call('ZREMRANGEBYRANK', homes, 0, -MOST_HOMES - 1)
  redis.call('EXPIRE', homes, HOME_KEPT / 1000)
end
return 1
