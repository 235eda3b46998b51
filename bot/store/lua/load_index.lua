-- The documents of the restores that an index (a sorted set or a list) names.
-- KEYS: index
-- ARGV: prefix, first, last
local read = redis.call('TYPE', index).ok == 'zset' and 'ZRANGE' or 'LRANGE'
local ids = redis.call(read, index, first, last)
local found = {}
for _, id in ipairs(ids) do
  -- Gone ones leave an empty place, so that a reader of pages knows when it is through.
  found[#found + 1] = redis.call('HGET', prefix .. 'restore:' .. id, 'doc') or ''
end
return found
