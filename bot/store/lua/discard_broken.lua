-- Take a restore whose document does not load out of every index, and keep the record as it was found.
-- A lease that has passed on changes nothing: 0.
-- KEYS: record, broken, due, living, claims, traces, audit
-- ARGV: prefix, id, fence, entries, now, kept, task_ttl, audit_kept

if redis.call('HGET', record, 'fence') ~= fence then
  return redis.call('HGET', broken, 'fence') == fence and 1 or 0
end
redis.call('RENAME', record, broken)
redis.call('EXPIRE', broken, kept)
give_up(prefix, due, living, claims, traces, id, 'broken', now, task_ttl)
append_entries(audit, entries, audit_kept)
return 1
