-- Store a changed restore: {'committed'}, {'stale'}, {'held', document of the holder} or
-- {'too_many', 'namespace', documents of those that are open}.
-- KEYS: record, due, living, claims, traces, audit, recent, homes
-- ARGV: prefix, id, token, doc, entries, ttl, live, opened, claim, trace, thread, vm, now, version,
--   fence, due_at, in_namespace, audit_kept
-- `version` is the one the change was made from; `fence` and `due_at` are '' when not given.

local seen = redis.call('HMGET', record, 'version', 'token', 'fence', 'until')
if seen[2] == token then return {'committed'} end
if seen[1] ~= version then return {'stale'} end
if fence ~= '' and (seen[3] ~= fence or not seen[4] or tonumber(seen[4]) <= now) then
  return {'stale'}
end
local holder = held_by_other(claims, prefix, claim, id)
if holder then return {'held', holder} end
local enough = enough_in_namespace(prefix, record, claims, id, claim, in_namespace)
if enough then return enough end

redis.call('HSET', record, 'doc', doc, 'version', version + 1, 'token', token)
redis.call('HDEL', record, 'deferred')
hold(record, claims, id, claim)
remember(traces, id, live, claim, trace)
file(prefix, record, living, recent, id, live, opened, thread, vm, ttl)
if fence == '' and due_at ~= '' then
  ask_for(due, record, 'restore:' .. id, due_at, now)
end
append_entries(audit, entries, audit_kept)
refresh(prefix, due, homes, entries, now)
return {'committed'}
