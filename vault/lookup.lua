-- One user's look-ups of the last day, each a member of a sorted set by its time: two exact sliding windows.
-- KEYS[1]: the look-ups. KEYS[2]: there while a refusal of the last moments is on record; of the same slot.
-- ARGV: now in milliseconds or 0 for the clock of Redis, an id, look-ups a minute, look-ups a day, milliseconds for
-- which refusals are quiet. Answers: granted, milliseconds to wait, first refusal.
local now, minute, day = tonumber(ARGV[1]), 60 * 1000, 24 * 60 * 60 * 1000
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(n) return string.format('%.0f', n) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - day))

-- The window has room again when the n-th newest look-up leaves it.
local function wait(n, window)
  local nth = redis.call('ZRANGE', KEYS[1], -n, -n, 'WITHSCORES')
  return nth[2] and math.max(nth[2] + window - now, 0) or 0
end
local left = math.max(wait(tonumber(ARGV[3]), minute), wait(tonumber(ARGV[4]), day))
if left > 0 then
  local first = redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[5])
  return {0, left, first and 1 or 0}
end
redis.call('ZADD', KEYS[1], text(now), ARGV[2])
redis.call('PEXPIRE', KEYS[1], text(day))
return {1, 0, 0}
