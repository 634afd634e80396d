// Whether the exporter works: freshness, token and calls of the platform's API, process.

import { RESTARTS, closed, dashboard, line, row } from './model.mjs';
import { AGE_TEXT, COLOURS, GOOD, YES_NO, column, gauge, mapping, now, over, series, stat, table, timeline } from './panels.mjs';
import { AGE, AGE_ONCE_READ, each, events, of, own, plain, quantile } from './queries.mjs';

/** By default, a refresh runs every 5 min. A shorter step would show gaps between refreshes. */
const SLOW = '15m';
const total = (family) => of(`exporter_${family}_total`);
const gaugeOf = (labels, family) => each(labels, `exporter_${family}`);
/** The value of the worst replica, as in the alert on missing permissions. */
const worst = (family) => `min by (org, collector) (${of(`exporter_collector_${family}`)})`;
const OUTCOME_COLOURS = { success: GOOD, error: COLOURS.critical };
const STALE_STEPS = [[0, GOOD], [900, COLOURS.high], [3600, COLOURS.critical]];

const UP = 'up{job=~"$job", instance=~"$instance"}';

const freshness = row('Freshness',
  line(5,
    stat(4, 'Replicas Up', 'Exporters that Prometheus can scrape, among those that it scraped in the time range.', [now(`sum(${UP}) or vector(0)`)],
      { unit: 'none', steps: [[0, COLOURS.critical], [1, GOOD]] }),
    stat(4, 'Refresh Complete', 'Whether the last refresh of every organisation was complete. If not, the last complete data is served.',
      [now(`min(${gaugeOf('org', 'last_refresh_successful')})`)], { unit: 'none', mappings: YES_NO }),
    stat(4, 'Age of the Data', 'Time since the last complete refresh, for the organisation with the oldest data.', [now(`max(${AGE})`)],
      { unit: 's', decimals: 0, steps: STALE_STEPS, mappings: AGE_TEXT }),
    stat(4, 'Failures in a Row', 'Refreshes that failed since the last complete one.', [now(`max(min by (org) (${of('exporter_consecutive_refresh_failures')}))`)],
      { unit: 'none', look: 'background', steps: [[0, GOOD], [1, COLOURS.medium], [3, COLOURS.critical]] }),
    stat(4, 'Last Attempt', 'When the last refresh began, complete or not.',
      [now(`min(${gaugeOf('org', 'last_refresh_attempt_timestamp_seconds')} > 0) * 1000`)], { unit: 'dateTimeFromNow', noValue: 'None yet, or no data' }),
    stat(4, 'Interval', 'The configured time between two refreshes.', [now(`max(${gaugeOf('org', 'refresh_interval_seconds')})`)], { unit: 's' }),
  ),
  line(8,
    series(8, 'Refreshes', 'Refreshes by outcome. After an error, the last complete data is still served, and its age grows.', [over(events('outcome', total('refreshes')), '{{outcome}}')],
      { unit: 'none', draw: 'bars', stacked: true, interval: SLOW, colours: { ...OUTCOME_COLOURS, cancelled: '#808080' } }),
    series(8, 'Refresh Duration', 'From the start of a refresh to its end, complete or not. --refresh.deadline limits it, to 2 min by default.',
      [over(quantile(0.5, 'exporter_refresh_duration_seconds'), 'median'), over(quantile(0.95, 'exporter_refresh_duration_seconds'), '95 %')],
      { unit: 's', interval: SLOW }),
    series(8, 'Age of the Data over Time', 'A sawtooth as high as the interval is normal. A longer ramp means that refreshes fail.', [over(AGE_ONCE_READ, '{{org}}')], { unit: 's', steps: STALE_STEPS }),
  ),
  line(8,
    table(10, 'Collectors', 'What the exporter reads, for the worst replica. Without the permission for a collector, part of the audit is not evaluated. The command "doctor" names the missing permission.',
      [worst('supported'), worst('success'), gaugeOf('org, collector', 'collector_duration_seconds')], {
        columns: [
          column('collector', 'Collector'),
          column('Value #A', 'Permitted', { look: 'color-background', width: 90, mappings: YES_NO }),
          column('Value #B', 'Complete', { look: 'color-background', width: 90, mappings: YES_NO }),
          column('Value #C', 'Duration', { width: 90, unit: 's', decimals: 2 }), column('org', 'Organisation', { width: 110 }),
        ],
        sortBy: ['Permitted', false],
      }),
    timeline(8, 'Collectors over Time', 'Whether each collector read everything.', [over(`min by (collector) (${of('exporter_collector_success')})`, '{{collector}}')],
      { unit: 'none', mappings: mapping({ 0: ['failed', COLOURS.critical], 1: ['complete', GOOD] }) }),
    series(6, 'Unreadable Records', 'Records of the platform that the exporter could not read. Their clients keep the last known data.',
      [over(events('collector', total('records_rejected')), '{{collector}}')], { unit: 'none', draw: 'bars', stacked: true, interval: SLOW }),
  ),
  line(6, table(24, 'Organisations', 'The organisations whose data is served. If an organisation is missing, it was never read, or its data is older than --refresh.stale-after.', [
    each('org, org_id, org_name, region', 'org_info'), gaugeOf('org', 'snapshot_clients'), AGE, gaugeOf('org', 'refresh_interval_seconds'),
  ], {
    columns: [
      column('org', 'Organisation', { width: 110 }), column('org_name', 'Name'), column('org_id', 'Id', { width: 310 }), column('region', 'Region', { width: 150 }),
      column('Value #B', 'Clients', { width: 100 }),
      column('Value #C', 'Age', { look: 'color-background', width: 130, unit: 's', decimals: 0, steps: STALE_STEPS, mappings: AGE_TEXT }),
      column('Value #D', 'Interval', { width: 100, unit: 's' }),
    ],
    everyOrg: true, drop: ['Value #A'], sortBy: ['Organisation', false], noValue: 'No data is served',
  })),
);

/** Requests per minute. */
const requests = (by, ...labels) => `60 * sum by (${by}) (rate(${of('exporter_api_requests_total', ...labels)}[$__rate_interval]))`;
/** 0 if no request was refused yet. */
const limited = `(${requests('org', 'code="429"')} or ${requests('org')} * 0)`;

const api = row('Token and API',
  line(8,
    stat(3, 'Token Ends', 'When the access token in use expires. The exporter fetches the next one shortly before.',
      [now(`min(${of('exporter_token_expiry_timestamp_seconds')} > 0) * 1000`)], { unit: 'dateTimeFromNow', noValue: 'No token, or no data' }),
    series(7, 'Token Fetches', 'Attempts to obtain a token. invalid_client means that the id, the secret or the region is wrong; the exporter retries at most once a minute.',
      [over(events('outcome', total('token_fetches')), '{{outcome}}')], { unit: 'none', draw: 'bars', stacked: true, interval: SLOW, colours: { success: GOOD, invalid_client: COLOURS.critical } }),
    series(7, 'Requests by Status', 'Requests to the platform by HTTP status, including retries. "none" means that there was no response.', [over(requests('code'), '{{code}}')],
      { unit: 'reqpm', stacked: true, interval: SLOW, colours: { 200: GOOD } }),
    series(7, 'Requests by Endpoint', 'Requests to the platform by endpoint.', [over(requests('endpoint'), '{{endpoint}}')], { unit: 'reqpm', stacked: true, interval: SLOW }),
  ),
  line(8,
    series(6, 'Share of 429', 'Share of requests that the platform rate limited, for the worst organisation. The alert fires above 20 %.', [over(`max(${limited} / ${requests('org')})`, '429')],
      { unit: 'percentunit', interval: SLOW, steps: [[0.2, COLOURS.high]] }),
    series(6, 'Latency', 'From sending a request to the end of the response body, without the waits between retries.',
      [0.5, 0.95, 0.99].map((q) => over(quantile(q, 'exporter_api_request_duration_seconds'), q === 0.5 ? 'median' : `${q * 100} %`)), { unit: 's', interval: SLOW }),
    series(5, 'Retries by Reason', 'Requests that were sent again, by reason.', [over(events('reason', total('api_retries')), '{{reason}}')],
      { unit: 'none', draw: 'bars', stacked: true, interval: SLOW, colours: { rate_limited: COLOURS.high, server_error: COLOURS.critical } }),
    series(4, 'Waiting to Retry', 'Share of time that the exporter waits before a retry.', [over(`sum(rate(${total('api_retry_wait_seconds')}[$__rate_interval]))`, 'waiting')],
      { unit: 'percentunit', interval: SLOW }),
    gauge(3, 'Budget', 'Share of the platform\'s request limit that is used in the current window.',
      [now(`max(${of('exporter_api_rate_limit_used')} / ${of('exporter_api_rate_limit_allowed')})`)],
      { unit: 'percentunit', min: 0, max: 1, steps: [[0, GOOD], [0.6, COLOURS.medium], [0.9, COLOURS.critical]] }),
  ),
);

const process = closed('Process',
  line(5,
    stat(3, 'State File', 'Whether the state file is in use and can be written. Without it, every restart begins without data.', [now(`min(${own('state_persistent')})`)], { unit: 'none', mappings: YES_NO }),
    stat(3, 'Damaged', 'State files that could not be read at the last start. A damaged file is set aside.', [now(`sum(${own('state_damaged_total')})`)],
      { unit: 'none', look: 'background', steps: [[0, GOOD], [1, COLOURS.high]] }),
    stat(3, 'Reload', 'Whether policy and baseline could be read at the last reload. If not, the previous ones stay in use.', [now(`min(${own('config_last_reload_successful')})`)], { unit: 'none', mappings: YES_NO }),
    stat(3, 'Last Read', 'When the policy and the baseline in use were read.', [now(`min(${own('config_last_reload_success_timestamp_seconds')}) * 1000`)], { unit: 'dateTimeFromNow' }),
    stat(3, 'Dropped', 'Series that are left out because of --metrics.max-client-series. If this is above 0, parts of these dashboards are empty.', [now(`sum(${gaugeOf('org, family', 'series_dropped')})`)],
      { unit: 'none', look: 'background', steps: [[0, GOOD], [1, COLOURS.critical]] }),
    stat(3, 'Series', 'Number of series with audited data in one scrape.', [now(`sum(${gaugeOf('org', 'snapshot_series')})`)], { unit: 'short' }),
    stat(3, 'Size', 'Size of the audited data in one scrape, before compression.', [now(`sum(${gaugeOf('org', 'snapshot_bytes')})`)], { unit: 'bytes' }),
    stat(3, 'Scopes', 'Number of scopes in the platform\'s registry. Without the registry, unknown scopes cannot be detected.', [now(`max(${each('org', 'scopes_known')})`)], { unit: 'none' }),
  ),
  line(8,
    table(8, 'Replicas', 'The exporters and their versions.', [`max by (instance, version, revision) (${own('build_info')})`, `max by (instance) (${plain('process_start_time_seconds')} * 1000)`], {
      columns: [
        column('instance', 'Instance'), column('version', 'Version', { width: 75 }), column('revision', 'Revision', { width: 90 }),
        column('Value #B', 'Started', { width: 115, unit: 'dateTimeFromNow' }),
      ],
      drop: ['Value #A'], sortBy: ['Instance', false],
    }),
    series(8, 'CPU', 'Share of one CPU core that each replica uses.', [over(`sum by (instance) (rate(${plain('process_cpu_seconds_total')}[$__rate_interval]))`, '{{instance}}')], { unit: 'percentunit' }),
    series(8, 'Memory', 'Resident memory of each replica.', [over(`max by (instance) (${plain('process_resident_memory_bytes')})`, '{{instance}}')], { unit: 'bytes' }),
  ),
  line(8,
    series(8, 'Scrapes and Pages', 'HTTP requests that the exporter answered.', [over(`60 * sum by (handler, code) (rate(${own('http_requests_total')}[$__rate_interval]))`, '{{handler}} {{code}}')], { unit: 'reqpm' }),
    series(8, 'Open Files', 'Open file descriptors of each replica.', [over(`max by (instance) (${plain('process_open_fds')})`, '{{instance}}')], { unit: 'none' }),
    series(8, 'State File Writes', 'Writes of the state file by outcome. After an error, a restart would lose recent data.',
      [over(events('outcome', own('state_writes_total')), '{{outcome}}')], { unit: 'none', draw: 'bars', stacked: true, interval: SLOW, colours: OUTCOME_COLOURS }),
  ),
);

export default dashboard({
  uid: 'genesys-oauth-exporter', title: 'Genesys Cloud OAuth / Exporter', from: 'now-6h', refresh: '1m',
  description: 'Whether the exporter works: freshness of the data, token, calls of the platform, process.',
  annotations: RESTARTS, rows: [freshness, api, process],
});
