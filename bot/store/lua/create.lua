-- Store a new restore: {'created'}, {'known', document} or {'held', document of the holder}.
local record, due, living, claims, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local recent, homes = KEYS[6], KEYS[7]
local prefix, id, token, doc, entries, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local live, opened, claim, thread, vm = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local now, due_at = tonumber(ARGV[12]), ARGV[13]

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
say(audit, entries)
refresh(prefix, due, homes, entries, now)
return {'created'}
