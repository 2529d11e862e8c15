-- What wrk is told by environment variables, and its result as one line of JSON.
--   BENCH_PUT     a path; each request puts bytes of its own below it (no two requests the same content)
--   BENCH_BYTES   how many
--   BENCH_BODIES  a file; each request posts the next of its lines, as JSON
local put = os.getenv("BENCH_PUT")
local from = os.getenv("BENCH_BODIES")
local bodies = {}
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  if from then for line in io.lines(from) do table.insert(bodies, line) end end
  count = number * 7 -- threads begin with different ones
  if not put then return end
  math.randomseed(os.time() * 64 + number)
  local bytes = {}
  for i = 1, tonumber(os.getenv("BENCH_BYTES")) - 32 do bytes[i] = string.char(math.random(0, 255)) end
  rest = table.concat(bytes)
  count = 0
end

function request()
  count = count + 1
  if from then return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, bodies[count % #bodies + 1]) end
  if not put then return wrk.format() end
  local mark = string.format("%08d%04d%020d", os.time() % 100000000, number, count)
  return wrk.format("PUT", string.format("%s/%d-%d", put, number, count % 500), nil, mark .. rest)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"rate":%.1f,"requests":%d,"p50_us":%.0f,"p99_us":%.0f,"errors":%d}\n',
    summary.requests / summary.duration * 1e6, summary.requests, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
