-- Store a new restore: {'created'}, {'known', document} or {'held', document of the holder}.
-- KEYS: record, due, living, claims, audit, recent, homes
-- ARGV: prefix, id, token, doc, entries, ttl, live, opened, claim, thread, vm, now, due_at

local known = redis.call('HMGET', record, 'doc', 'token')
if known[1] then
  return known[2] == token and {'created'} or {'known', known[1]}
end
local holder = held_by_other(claims, prefix, claim, id)
if holder then return {'held', holder} end

redis.call('HSET', record, 'doc', doc, 'version', 0, 'token', token)
hold(record, claims, id, claim)
file(prefix, record, living, recent, id, live, opened, thread, vm, ttl)
redis.call('ZADD', due, due_at, 'restore:' .. id)
append_entries(audit, entries)
refresh(prefix, due, homes, entries, now)
return {'created'}
