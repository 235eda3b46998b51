-- Schedule a periodic task: a new one, or another body and due time for the one there is.
-- KEYS: record, due, homes
-- ARGV: member, body, due_at, now, ttl, home
-- `home` is 1 for a Home tab, which is due again whenever a restore has moved.

-- From the time: a fence of a deleted task of this name must not fit.
redis.call('HSETNX', record, 'fence', now)
redis.call('HSET', record, 'task', body)
redis.call('HDEL', record, 'deferred')
if redis.call('HEXISTS', record, 'until') == 1 then redis.call('HSET', record, 'newer', 1) end
redis.call('EXPIRE', record, ttl)
ask_for(due, record, member, due_at, now)
if home == '1' then
  redis.call('ZADD', homes, now, member)
  redis.call('ZREMRANGEBYRANK', homes, 0, -MAX_HOMES - 1)
  redis.call('EXPIRE', homes, HOME_KEPT / 1000)
end
return 1
