-- Store a new restore: {'created'}, {'known', document}, {'held', document of the holder} or
-- {'too_many', 'owner' or 'namespace', documents of those that are open}.
-- `shown`: the cards of it that stand in Slack already.
-- KEYS: record, due, living, claims, traces, audit, recent, homes
-- ARGV: prefix, id, token, doc, entries, ttl, live, opened, claim, trace, thread, vm, now, due_at,
--   shown, owner, of_person, in_namespace, audit_kept

local known = redis.call('HMGET', record, 'doc', 'token')
if known[1] then
  return known[2] == token and {'created'} or {'known', known[1]}
end
local holder = held_by_other(claims, prefix, claim, id)
if holder then return {'held', holder} end
local enough = enough_of_owner(prefix, living, traces, id, owner, of_person)
  or enough_in_namespace(prefix, record, claims, id, claim, in_namespace)
if enough then return enough end

redis.call('HSET', record, 'doc', doc, 'version', 0, 'token', token)
keep_cards(record, shown)
-- What has ended before it was known is found among what ended last, like any other.
if live == '0' then redis.call('HSET', record, 'live', 1) end
hold(record, claims, id, claim)
remember(traces, id, live, claim, trace)
file(prefix, record, living, recent, id, live, opened, thread, vm, ttl)
redis.call('ZADD', due, due_at, 'restore:' .. id)
append_entries(audit, entries, audit_kept)
refresh(prefix, due, homes, entries, now)
return {'created'}
