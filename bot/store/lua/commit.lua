-- Store a changed restore: {'committed'}, {'stale'} or {'held', document of the holder}.
local record, due, living, claims, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local recent, homes = KEYS[6], KEYS[7]
local prefix, id, token, doc, entries, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local live, opened, claim, thread, vm = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
-- `version` is the one the change was made from; `fence` and `due_at` are '' when not given.
local now, version, fence, due_at = tonumber(ARGV[12]), ARGV[13], ARGV[14], ARGV[15]

local seen = redis.call('HMGET', record, 'version', 'token', 'fence', 'until')
if seen[2] == token then return {'committed'} end
if seen[1] ~= version then return {'stale'} end
if fence ~= '' and (seen[3] ~= fence or not seen[4] or tonumber(seen[4]) <= now) then
  return {'stale'}
end
local holder = held_by_other(claims, prefix, claim, id)
if holder then return {'held', holder} end

redis.call('HSET', record, 'doc', doc, 'version', version + 1, 'token', token)
redis.call('HDEL', record, 'parked')
hold(record, claims, id, claim)
file(prefix, record, living, recent, id, live, opened, thread, vm, ttl)
if fence == '' and due_at ~= '' then
  ask_for(due, record, 'restore:' .. id, due_at, now)
end
say(audit, entries)
refresh(prefix, due, homes, entries, now)
return {'committed'}
