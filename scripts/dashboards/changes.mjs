// What changed: new grants, drift from the baseline, history, and what was approved or exempt.

import { dashboard, line, row } from './model.mjs';
import { COLOURS, GOOD, GRANT_COLOURS, TO_CLIENT, YES_NO, bars, bySeverity, column, now, over, series, stat, table } from './panels.mjs';
import { UNAPPROVED, dangerous, drift, each, named, sum } from './queries.mjs';

/** In the selected time range. Grafana gives its start in milliseconds. */
const RECENT = '> ($__from / 1000)';
const FIRST_SEEN = 'first_seen_timestamp_seconds';

const fresh = row('New grants', line(9,
  table(16, 'New Grants by Client', 'Dangerous scopes and permissions that were first seen in the time range, newest first.',
    [named(`(${dangerous(FIRST_SEEN, RECENT)} * 1000)`, 'kind', 'grant')], {
      columns: [
        column('Value', 'First Seen', { width: 170, unit: 'dateTimeAsIso' }), column('client_name', 'Client', { links: TO_CLIENT }),
        column('grant', 'Grant'), column('kind', 'Kind', { width: 100 }), column('org', 'Organisation', { width: 110 }),
      ],
      drop: ['grant_type'], keep: ['client_id'], sortBy: ['First Seen', true], noValue: 'Nothing new, or no data',
    }),
  series(8, 'New Grants by Kind', 'Dangerous grants that have a first-seen time. The value rises with each new grant, and falls when a grant is gone or exempt.',
    [over(`count by (kind) (${dangerous(FIRST_SEEN, '> 0')})`, '{{kind}}')],
    { unit: 'none', colours: { scope: COLOURS.critical, permission: 'purple' }, noValue: 'Nothing new, or no data' }),
));

const fromBaseline = row('Drift by kind', line(9,
  stat(4, 'Unapproved Grants', 'Dangerous grants that the baseline does not approve. Each of them pages. Shows 0 only if every selected organisation has a baseline.', [now(UNAPPROVED)],
    { unit: 'none', look: 'background', steps: [[0, GOOD], [1, COLOURS.critical]], noValue: 'No baseline, or no data' }),
  bars(10, 'Open Drift by Kind', 'What differs from the baseline now, whether dangerous or not. Shows 0 only if every selected organisation has a baseline.', [now(drift('kind'), '{{kind}}')],
    { unit: 'none', noValue: 'No baseline, or no data' }),
  series(10, 'Drift over Time', 'Dangerous drift pages because of the grant that it contains; other drift causes a warning.',
    [over(drift('dangerous'), 'dangerous: {{dangerous}}')],
    { unit: 'none', stacked: true, noValue: 'No baseline, or no data', colours: { 'dangerous: true': COLOURS.critical, 'dangerous: false': COLOURS.medium } }),
));

const history = row('History',
  line(8,
    series(12, 'Clients by Grant Type', 'Number of clients, by grant type.', [over(sum('grant_type', 'clients'), '{{grant_type}}')],
      { unit: 'none', stacked: true, colours: GRANT_COLOURS }),
    series(12, 'Open Findings by Severity', 'Number of open findings of all rules, by severity.', bySeverity((severity) => sum('', 'findings', 'status="open"', severity)),
      { unit: 'none', stacked: true, colours: COLOURS }),
  ),
  line(9,
    table(12, 'Clients Created', 'Clients that were created in the time range.', [named(`((${each('org, client_id', 'client_created_timestamp_seconds')} ${RECENT}) * 1000)`)], when('Created')),
    table(12, 'Clients Changed', 'Clients that were last changed in the time range.', [named(`((${each('org, client_id', 'client_modified_timestamp_seconds')} ${RECENT}) * 1000)`)], when('Changed')),
  ),
);

function when(header) {
  return {
    columns: [
      column('Value', header, { width: 170, unit: 'dateTimeAsIso' }), column('client_name', 'Client', { links: TO_CLIENT }),
      column('grant_type', 'Grant Type', { width: 135 }), column('org', 'Organisation', { width: 110 }),
    ],
    keep: ['client_id'], sortBy: [header, true], noValue: 'None in the time range, or no data',
  };
}

const STATUS_COLOURS = { open: COLOURS.high, approved: GOOD, exempt: 'blue', not_evaluated: 'purple' };

const approvals = row('Approvals and exemptions', line(9,
  stat(4, 'Baseline Loaded', 'Without a baseline, nothing can be approved, and a new grant pages because of its first-seen time.',
    [now(`min(${each('org', 'baseline_loaded')})`)], { unit: 'none', mappings: YES_NO }),
  stat(4, 'Last Approval', 'When any part of the baseline was last approved.', [now(`max(${each('org', 'baseline_timestamp_seconds')}) * 1000`)],
    { unit: 'dateTimeFromNow', noValue: 'No baseline, or no data' }),
  series(8, 'Findings by Status', 'Approved and exempt findings are settled and do not count. A rule that was not evaluated has not passed.',
    [over(sum('status', 'findings'), '{{status}}')], { unit: 'none', stacked: true, colours: STATUS_COLOURS }),
  table(8, 'Exemptions by Expiry', 'Exemptions with an end date, the next one first. When an exemption ends, its findings are open again.',
    [`${each('org, exemption', 'exemption_expiry_timestamp_seconds')} * 1000`], {
      columns: [
        column('exemption', 'Exemption'), column('Value', 'Ends', { width: 125, unit: 'dateTimeFromNow' }), column('org', 'Organisation', { width: 110 }),
      ],
      sortBy: ['Ends', false], noValue: 'No exemption ends, or no data',
    }),
));

export default dashboard({
  uid: 'genesys-oauth-changes', title: 'Genesys Cloud OAuth / Changes', from: 'now-7d', refresh: '5m',
  description: 'What changed among the OAuth clients: new dangerous grants, drift from the baseline, approvals and exemptions.',
  rows: [fresh, fromBaseline, history, approvals],
});
