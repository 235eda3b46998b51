-- Forget which cluster a name stands for.
-- KEYS: clusters
-- ARGV: cluster
redis.call('HDEL', clusters, cluster)
return 1
