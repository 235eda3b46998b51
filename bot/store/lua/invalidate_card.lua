-- A card's message is gone: nobody knows any more where the card stands, so the next round looks.
-- Only if it stood in this very message; it may have been posted anew meanwhile.
-- KEYS: record, due
-- ARGV: member, card, ts, now
card = 'card:' .. card

local stood = redis.call('HGET', record, card)
if stood and string.sub(stood, 1, #ts + 1) == ts .. '|' then
  redis.call('HSET', record, card, '|')
  ask_for(due, record, member, now, now, 'LT')
end
return 1
