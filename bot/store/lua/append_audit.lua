-- Add audit entries, once.
-- KEYS: audit, said
-- ARGV: entries, audit_kept
if redis.call('SET', said, 1, 'NX', 'EX', 60) then append_entries(audit, entries, audit_kept) end
return 1
