/**
 * The counters of counter.algorithms.ts for Redis (and Valkey): the same functions under the same names, by Redis's own
 * clock, for many requests in one call.
 *
 * KEYS: a counter each. ARGV[1]: `take`, `peek` or `refund`. ARGV[2]: JSON, a list of requests, each a flat list of
 * kind, windowMs, limit, burst, cost, shadow (0 or 1) and atMs (0 but for a refund) per counter. ARGV[3]: the time in
 * place of Redis's, for tests that travel in it.
 * Answers a flat list of integers: the clock, then allowed, remaining, resetMs, retryMs per counter.
 *
 * Numbers stay whole and below 2^53, which Lua's doubles hold exactly. A counter is one string of doubles: at, used,
 * before, then time and units of each charge of a log. It expires when it says no more than one that was never used.
 */
export const TAKE_SCRIPT = `
local BUCKET, FIXED, TWO, LOG = 1, 2, 3, 4
local now = redis.call('TIME')
local nowMs = ARGV[3] and tonumber(ARGV[3]) or now[1] * 1000 + math.floor(now[2] / 1000)
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack = struct.pack, struct.unpack

local function load(key)
  local text = redis.call('GET', key)
  if not text then return { at = 0, used = 0, before = 0, log = {} } end
  local at, used, before = unpack('<ddd', text)
  local log = {}
  for byte = 25, #text, 8 do log[#log + 1] = unpack('<d', text, byte) end
  return { at = at, used = used, before = before, log = log, known = true }
end

local function weight(s, c, t)
  return s.before * (c.windowMs - (t - s.at * c.windowMs)) + s.used * c.windowMs
end

local A = {}

A[BUCKET] = {
  advance = function(s, c, t)
    if t <= s.at then return end
    s.used = max(0, s.used - (t - s.at) * c.limit)
    s.at = t
  end,
  fits = function(s, c) return s.used + c.cost * c.windowMs <= c.burst * c.windowMs end,
  spend = function(s, c) s.used = s.used + c.cost * c.windowMs end,
  giveBack = function(s, c, t)
    local held = c.cost * c.windowMs - max(0, t - c.atMs) * c.limit
    s.used = max(0, s.used - max(0, held))
  end,
  remaining = function(s, c) return max(0, floor((c.burst * c.windowMs - s.used) / c.windowMs)) end,
  resetMs = function(s, c) return ceil(s.used / c.limit) end,
  retryMs = function(s, c) return ceil((s.used + (c.cost - c.burst) * c.windowMs) / c.limit) end,
}

A[FIXED] = {
  advance = function(s, c, t)
    local window = floor(t / c.windowMs)
    if window <= s.at then return end
    s.at = window
    s.used = 0
  end,
  fits = function(s, c) return s.used + c.cost <= c.limit end,
  spend = function(s, c) s.used = s.used + c.cost end,
  giveBack = function(s, c)
    if floor(c.atMs / c.windowMs) == s.at then s.used = max(0, s.used - c.cost) end
  end,
  remaining = function(s, c) return max(0, c.limit - s.used) end,
  resetMs = function(s, c, t) return s.used == 0 and 0 or (s.at + 1) * c.windowMs - t end,
  retryMs = function(s, c, t) return (s.at + 1) * c.windowMs - t end,
}

A[TWO] = {
  advance = function(s, c, t)
    local window = floor(t / c.windowMs)
    if window <= s.at then return end
    s.before = window == s.at + 1 and s.used or 0
    s.used = 0
    s.at = window
  end,
  fits = function(s, c, t) return weight(s, c, t) + c.cost * c.windowMs <= c.limit * c.windowMs end,
  spend = A[FIXED].spend,
  giveBack = function(s, c)
    local window = floor(c.atMs / c.windowMs)
    if window == s.at then s.used = max(0, s.used - c.cost)
    elseif window == s.at - 1 then s.before = max(0, s.before - c.cost) end
  end,
  remaining = function(s, c, t) return max(0, floor((c.limit * c.windowMs - weight(s, c, t)) / c.windowMs)) end,
  resetMs = function(s, c, t)
    if s.used > 0 then return (s.at + 2) * c.windowMs - t end
    return s.before > 0 and (s.at + 1) * c.windowMs - t or 0
  end,
  retryMs = function(s, c, t)
    local leftMs = (s.at + 1) * c.windowMs - t
    local over = weight(s, c, t) + (c.cost - c.limit) * c.windowMs
    if s.before > 0 and over <= s.before * leftMs then return ceil(over / s.before) end
    local overThen = (s.used + c.cost - c.limit) * c.windowMs
    return leftMs + (overThen <= 0 and 0 or ceil(overThen / s.used))
  end,
}

A[LOG] = {
  advance = function(s, c, t)
    s.at = t
    local kept = {}
    for i = 1, #s.log, 2 do
      if s.log[i] <= t - c.windowMs then s.used = s.used - s.log[i + 1]
      else kept[#kept + 1] = s.log[i]; kept[#kept + 1] = s.log[i + 1] end
    end
    s.log = kept
  end,
  fits = A[FIXED].fits,
  spend = function(s, c, t)
    if c.cost == 0 then return end
    local n = #s.log
    -- A clock that was set back: the log stays in order.
    if n > 0 and s.log[n - 1] >= t then s.log[n] = s.log[n] + c.cost
    else s.log[n + 1] = t; s.log[n + 2] = c.cost end
    s.used = s.used + c.cost
  end,
  giveBack = function(s, c)
    for i = 1, #s.log, 2 do
      if s.log[i] == c.atMs then
        local back = min(c.cost, s.log[i + 1])
        s.log[i + 1] = s.log[i + 1] - back
        s.used = s.used - back
        return
      end
    end
  end,
  remaining = A[FIXED].remaining,
  resetMs = function(s, c, t) return s.used == 0 and 0 or s.log[#s.log - 1] + c.windowMs - t end,
  retryMs = function(s, c, t)
    local over = s.used + c.cost - c.limit
    for i = 1, #s.log, 2 do
      over = over - s.log[i + 1]
      if over <= 0 then return s.log[i] + c.windowMs - t end
    end
    return c.windowMs
  end,
}

local function save(key, a, s, c)
  local ttl = a.resetMs(s, c, nowMs)
  if ttl <= 0 then
    if s.known then redis.call('DEL', key) end
    return
  end
  local text = pack('<ddd', s.at, s.used, s.before)
  if #s.log > 0 then
    local parts = { text }
    for i = 1, #s.log do parts[#parts + 1] = pack('<d', s.log[i]) end
    text = table.concat(parts)
  end
  redis.call('SET', key, text, 'PX', ttl)
end

local action = ARGV[1]
local answer = { nowMs }
local at = 0
for _, f in ipairs(cjson.decode(ARGV[2])) do
  local passes = true
  local first = at
  local group = {}
  for i = 1, #f, 7 do
    at = at + 1
    local c = { windowMs = f[i + 1], limit = f[i + 2], burst = f[i + 3], cost = f[i + 4], shadow = f[i + 5], atMs = f[i + 6] }
    local a = A[f[i]]
    local s = load(KEYS[at])
    a.advance(s, c, nowMs)
    c.allowed = a.fits(s, c, nowMs)
    if not c.allowed and c.shadow == 0 then passes = false end
    group[#group + 1] = { a, s, c, f[i] }
  end
  for i, g in ipairs(group) do
    local a, s, c = g[1], g[2], g[3]
    if action == 'refund' then
      a.giveBack(s, c, nowMs)
      save(KEYS[first + i], a, s, c)
    elseif action == 'take' and passes and c.allowed and c.cost > 0 then
      a.spend(s, c, nowMs)
      save(KEYS[first + i], a, s, c)
    end
    local retry = 0
    if not c.allowed then
      local most = g[4] == BUCKET and c.burst or c.limit
      retry = c.cost > most and -1 or max(1, a.retryMs(s, c, nowMs))
    end
    local n = #answer
    answer[n + 1] = c.allowed and 1 or 0
    answer[n + 2] = a.remaining(s, c, nowMs)
    answer[n + 3] = a.resetMs(s, c, nowMs)
    answer[n + 4] = retry
  end
end
return answer
`;
