-- Keep a delivery and lease it to the caller; 0 when it is known already, or when it can only be an
-- answer to a restore in one thread (`thread`, or nothing) and there is none.
-- KEYS: record, due
-- ARGV: member, token, kind, body, now, lease_ms, prefix, thread
local lease_end = now + lease_ms

local known = redis.call('HMGET', record, 'token', 'fence', 'body')
if known[1] then
  -- The same call sent again is still the holder of the first lease, if nothing has happened since.
  return (known[1] == token and known[2] == '1' and known[3]) and 1 or 0
end
if thread ~= '' and redis.call('EXISTS', prefix .. 'thread:' .. thread) == 0 then
  return 0
end
redis.call('HSET', record, 'token', token, 'kind', kind, 'body', body, 'accepted', now,
  'fence', 1, 'until', lease_end)
redis.call('ZADD', due, lease_end, member)
return 1
