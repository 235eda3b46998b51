-- A page of the ids of the restores that have audit entries.
-- KEYS: index
-- ARGV: first, last
return redis.call('ZRANGE', index, first, last)
