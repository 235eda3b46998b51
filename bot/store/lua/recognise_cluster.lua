-- Remember which cluster a name stands for: false, or the UID that is known where it is another one.
-- Unlike kinds are not compared. Sent twice it finds what it wrote.
-- KEYS: clusters
-- ARGV: cluster, kind, uid
local known = cjson.decode(redis.call('HGET', clusters, cluster) or '{}')
if known[kind] then return known[kind] ~= uid and known[kind] end
known[kind] = uid
redis.call('HSET', clusters, cluster, cjson.encode(known))
return false
