-- Delete a periodic task. With a `fence`, only for the holder of that lease, and not if the task was
-- scheduled anew meanwhile: then it is due.
-- KEYS: record, due, homes
-- ARGV: member, fence, now

if fence ~= '' then
  local seen = redis.call('HMGET', record, 'fence', 'until', 'newer')
  if seen[1] ~= fence or not seen[2] then return 1 end
  if seen[3] then
    redis.call('HDEL', record, 'until', 'again', 'newer')
    redis.call('ZADD', due, now, member)
    return 1
  end
end
redis.call('DEL', record)
redis.call('ZREM', due, member)
redis.call('ZREM', homes, member)
return 1
