-- Have live restores looked at now; others are not meant.
-- KEYS: due
-- ARGV: prefix, now, ids
ids = cjson.decode(ids)

for _, id in ipairs(ids) do
  local member = 'restore:' .. id
  if redis.call('HEXISTS', prefix .. member, 'live') == 1 then
    -- LT: what is overdue keeps its place before what is woken again and again.
    ask_for(due, prefix .. member, member, now, now, 'LT')
  end
end
return 1
