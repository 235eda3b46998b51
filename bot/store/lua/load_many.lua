-- The records of these restores, in this order; those that are gone are left out.
-- KEYS: live
-- ARGV: prefix, ids
ids = cjson.decode(ids)
local found = {}
for _, id in ipairs(ids) do
  local record = redis.call('HGETALL', prefix .. 'restore:' .. id)
  if #record > 0 then found[#found + 1] = record end
end
return found
