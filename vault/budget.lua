-- One viewer's leaky bucket, by the clock of Redis: replicas need not agree on the time.
-- KEYS[1]: the bucket. ARGV: points needed, points wanted, burst, points restored a second.
-- Levels are millionths of points, whole numbers below 2^53 as Lua's are exact.
local need, want, burst, restore = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]) * 1e6, tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1e6 + time[2]
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = burst
if bucket[1] and bucket[2] then
  -- A clock that was set back restores nothing; one that leapt fills the bucket and no more.
  local passed = math.min(math.max(now - bucket[2], 0), burst / restore)
  level = math.min(burst, bucket[1] + math.floor(passed * restore))
end
-- The emptier the bucket, the smaller the slices: what lies with one replica the others cannot grant.
local granted = 0
if level >= need * 1e6 then
  granted = math.max(need, math.min(want, math.floor(level / 2e6)))
  level = level - granted * 1e6
end
redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - level) / restore / 1000) + 1000)
return {granted, level}
