-- The records of the restores of a thread, oldest first; those that are gone are left out.
-- KEYS: thread
-- ARGV: prefix
local found = {}
for _, id in ipairs(redis.call('ZRANGE', thread, 0, -1)) do
  local record = redis.call('HGETALL', prefix .. 'restore:' .. id)
  if #record > 0 then found[#found + 1] = record end
end
return found
