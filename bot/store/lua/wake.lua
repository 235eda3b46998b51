-- Have live restores looked at now; others are not meant.
local due = KEYS[1]
local prefix, now, ids = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])

for _, id in ipairs(ids) do
  local member = 'restore:' .. id
  if redis.call('HEXISTS', prefix .. member, 'live') == 1 then
    -- LT: what is overdue keeps its place before what is woken again and again.
    ask_for(due, prefix .. member, member, now, now, 'LT')
  end
end
return 1
