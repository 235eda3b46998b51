-- The present, how many members the queue has, how many of them are due, and since when the oldest; and a
-- page of what is kept of live restores apart from their documents: the next cursor, ids and traces.
-- KEYS: due, traces
-- ARGV: now, cursor, count
local oldest = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local page = redis.call('HSCAN', traces, cursor, 'COUNT', count)
return {
  now,
  redis.call('ZCARD', due),
  redis.call('ZCOUNT', due, '-inf', now),
  oldest[2] or '',
  page[1],
  page[2],
}
