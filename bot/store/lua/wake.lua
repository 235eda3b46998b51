-- Have live restores looked at now. Those without a record are looked into, if `lost` has the body of a
-- task for them; and so are those that have ended and know of no object in the cluster.
-- KEYS: due
-- ARGV: prefix, now, ids, lost, ttl
-- `lost` is a JSON object: id -> body (JSON text).
ids = cjson.decode(ids)
lost = cjson.decode(lost)

local function unaware(doc)
  if not doc then return true end
  local read, found = pcall(cjson.decode, doc)
  return read and not (found.job and found.job.uid)
end

for _, id in ipairs(ids) do
  local member = 'restore:' .. id
  local known = redis.call('HMGET', prefix .. member, 'live', 'doc')
  if known[1] then
    -- LT: what is overdue keeps its place before what is woken again and again.
    ask_for(due, prefix .. member, member, now, now, 'LT')
  elseif lost[id] and unaware(known[2]) then
    look_into(prefix, due, id, lost[id], now, ttl)
  end
end
return 1
