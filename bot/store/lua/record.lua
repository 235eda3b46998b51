-- Add audit entries, once.
local audit, said = KEYS[1], KEYS[2]
if redis.call('SET', said, 1, 'NX', 'EX', 60) then say(audit, ARGV[1]) end
return 1
