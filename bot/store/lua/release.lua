-- Give a lease back: 1 done, 0 too late, -1 a live restore would leave the queue (nothing is done).
-- The fence alone decides, however late it is: while it stands, nobody else has begun the work.
-- KEYS: record, due
-- ARGV: member, fence, now, due_at, shown, body, ttl
-- `body` is the new body of a task, '' for the one it has.

local seen = redis.call('HMGET', record, 'fence', 'until', 'again', 'live', 'task')
if seen[1] ~= fence then return 0 end
-- Sent twice: a request that came in between must keep its place in the queue.
if not seen[2] then return 1 end
if seen[3] then due_at = math.max(now, tonumber(seen[3])) end
if due_at == '' and seen[4] then return -1 end

keep_cards(record, shown)
if seen[5] then
  -- A body scheduled during this lease is newer than what its worker knew.
  if body ~= '' and redis.call('HEXISTS', record, 'newer') == 0 then
    redis.call('HSET', record, 'task', body)
  end
  redis.call('HDEL', record, 'cuts', 'newer')
  redis.call('EXPIRE', record, ttl)
end
redis.call('HDEL', record, 'until', 'again')
if due_at == '' then
  redis.call('ZREM', due, member)
else
  redis.call('ZADD', due, due_at, member)
end
return 1
