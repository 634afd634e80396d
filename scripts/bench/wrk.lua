-- Prints the figures of a run of wrk in one line, without the rounding of wrk's own output. Latencies are in microseconds.
--
-- With the variable PAUSE, a connection waits for so many milliseconds after each response.
local pause = tonumber(os.getenv("PAUSE") or "")
if pause then
  delay = function() return pause end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("figures %d %d %d %d %d\n", summary.duration, summary.requests, failed,
    latency:percentile(50), latency:percentile(99)))
end
