-- The body of a chore, if there is one.
return redis.call('HGET', KEYS[1], 'duty')
