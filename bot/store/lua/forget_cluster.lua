-- Forget which cluster a name stands for: 1, or 0 if none is known.
-- KEYS: clusters
-- ARGV: cluster
return redis.call('HDEL', clusters, cluster)
