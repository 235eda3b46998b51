-- Have live restores looked at now; ended ones are not meant. Those without a record are looked into, if
-- `lost` has the body of a task for them.
-- KEYS: due
-- ARGV: prefix, now, ids, lost, ttl
-- `lost` is a JSON object: id -> body (JSON text).
ids = cjson.decode(ids)
lost = cjson.decode(lost)

for _, id in ipairs(ids) do
  local member = 'restore:' .. id
  local known = redis.call('HMGET', prefix .. member, 'live', 'doc')
  if known[1] then
    -- LT: what is overdue keeps its place before what is woken again and again.
    ask_for(due, prefix .. member, member, now, now, 'LT')
  elseif not known[2] and lost[id] then
    look_into(prefix, due, id, lost[id], now, ttl)
  end
end
return 1
