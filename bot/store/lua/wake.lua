-- Have live restores looked at now. Those without a record are looked into, if `lost` has the body of a
-- task for them; and so are those that have ended, or still ask for their target, and do not know one of
-- the objects that it names.
-- KEYS: due
-- ARGV: prefix, now, ids, lost, ttl
-- `lost` is a JSON object: id -> body (JSON text).
ids = cjson.decode(ids)
lost = cjson.decode(lost)

local function unaware(doc, task)
  if not doc then return true end
  local read, found = pcall(cjson.decode, doc)
  if not read then return false end
  local known = {}
  for _, uid in ipairs(found.objects or {}) do known[uid] = true end
  if found.job and found.job.uid then known[found.job.uid] = true end
  for _, uid in ipairs(cjson.decode(task).uids or {}) do
    if not known[uid] then return true end
  end
  return false
end

for _, id in ipairs(ids) do
  local member = 'restore:' .. id
  local known = redis.call('HMGET', prefix .. member, 'live', 'doc')
  local asking = known[1] and known[2] and known[2]:find('"phase":"gathering"', 1, true)
  if known[1] then
    -- LT: what is overdue keeps its place before what is woken again and again.
    ask_for(due, prefix .. member, member, now, now, 'LT')
  end
  if lost[id] and (asking or not known[1]) and unaware(known[2], lost[id]) then
    look_into(prefix, due, id, lost[id], now, ttl)
  end
end
return 1
