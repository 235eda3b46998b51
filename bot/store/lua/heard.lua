-- A page of the audit stream: {id, {'entry', text}} each.
return redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
