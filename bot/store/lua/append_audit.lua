-- Add audit entries, once.
-- KEYS: audit, said
-- ARGV: entries
if redis.call('SET', said, 1, 'NX', 'EX', 60) then append_entries(audit, entries) end
return 1
