-- The body of a task, if there is one.
-- KEYS: record
return redis.call('HGET', record, 'task')
