-- The present in ms, by the server that holds this key.
-- KEYS: due
-- ARGV: now
return now
