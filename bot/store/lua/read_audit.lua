-- A page of the audit stream: {id, {'entry', text}} each.
-- KEYS: audit
-- ARGV: after, count
return redis.call('XRANGE', audit, after, '+', 'COUNT', count)
