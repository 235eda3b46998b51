-- Have a chore no more. With a `fence`, only for the holder of that lease, and not if it was kept anew
-- meanwhile: then it is due.
local record, due, homes = KEYS[1], KEYS[2], KEYS[3]
local member, fence, now = ARGV[1], ARGV[2], ARGV[3]

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
