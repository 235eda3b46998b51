-- The names that stand for a cluster.
-- KEYS: clusters
return redis.call('HKEYS', clusters)
