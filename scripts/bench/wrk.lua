-- Prints the figures of a run of wrk in one line, without rounding: microseconds, completed scrapes, errors.
function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("figures %d %d %d\n", summary.duration, summary.requests, failed))
end
