// The overview for daily use: whether anything is wrong, and what needs attention.

import { dashboard, line, row } from './model.mjs';
import { AGE_TEXT, ALERT_TEXT, COLOURS, GOOD, GRANT_COLOURS, SEVERITY_TEXT, TO_CLIENT, bars, bySeverity, column, mapping, now, over, pie, series, stat, table, to, trend } from './panels.mjs';
import { AGE, UNAPPROVED, UNAPPROVED_GRANTS, each, named, sum } from './queries.mjs';

const BAD_FROM_ONE = [[0, GOOD], [1, COLOURS.critical]];

/** The implicit grant ends by the end of March 2027. The dashboard tests compare this with IMPLICIT_GRANT_ENDS in src/audit/rules/grants.rs. */
const IMPLICIT_GRANT_ENDS = 1806451200;
const implicit = sum('', 'clients', 'grant_type="implicit"');

const state = row('State', line(5,
  stat(4, 'Clients', 'OAuth clients of the selected organisations, in any state.', [now(sum('', 'clients'))],
    { unit: 'none', links: to('clients', 'Show the clients') }),
  stat(4, 'Flagged', 'Clients with an open finding at or above the policy\'s flag_at (medium by default).',
    [trend(sum('', 'clients_flagged'))], { unit: 'none', spark: true, links: to('clients', 'Show the clients, the worst first') }),
  stat(4, 'Critical', 'Clients whose worst open finding is critical. Check these first.',
    [trend(sum('', 'clients_flagged', 'severity="critical"'))], { unit: 'none', spark: true, links: to('clients', 'Show the clients, the worst first') }),
  stat(4, 'Unapproved Grants', 'Dangerous scopes and permissions that clients hold and the baseline does not approve. Each of them pages. Shows 0 only if every selected organisation has a baseline.',
    [now(UNAPPROVED)], { unit: 'none', look: 'background', steps: BAD_FROM_ONE, noValue: 'No baseline, or no data', links: to('changes', 'Show what changed') }),
  stat(4, 'Age of the Data', 'Time since the last complete refresh, for the organisation with the oldest data. Orange from 15 min on, which is three times the default interval. By default, the data is withdrawn after a day.',
    [now(`max(${AGE})`)], { unit: 's', decimals: 0, steps: [[0, GOOD], [900, COLOURS.high], [3600, COLOURS.critical]], mappings: AGE_TEXT, links: to('exporter', 'Show the exporter') }),
  stat(4, 'Coverage', 'Share of clients with a verdict (flagged or compliant). A flagged client counts even if it could be evaluated only partly. Below 100 %, clients may have risks that are not shown: see Collectors on the Exporter dashboard.',
    [now(`1 - ${sum('', 'clients_not_evaluated')} / ${sum('', 'clients')}`)],
    { unit: 'percentunit', min: 0, max: 1, steps: [[0, COLOURS.high], [1, GOOD]], links: to('exporter', 'Show what could not be read') }),
));

const NOT_NEW = [{ type: 'value', options: { 0: { text: 'not known', index: 0 } } }];

const attention = row('Needs attention', line(10,
  table(16, 'Unapproved Grants by Client', 'Grants that nobody approved, the newest first, with the client that holds them. Click a client for details; then revoke the grant, or approve it in the baseline. The time is not known for grants that existed before the exporter first read them.',
    [`${named(UNAPPROVED_GRANTS, 'kind', 'grant', 'severity')} * 1000`], {
      columns: [
        column('client_name', 'Client', { links: TO_CLIENT }), column('grant', 'Grant'),
        column('severity', 'Severity', { look: 'color-background', width: 85, mappings: SEVERITY_TEXT }),
        column('Value', 'Since', { width: 125, unit: 'dateTimeFromNow', mappings: NOT_NEW }), column('org', 'Organisation', { width: 110 }),
      ],
      drop: ['kind', 'grant_type'], keep: ['client_id'], sortBy: ['Since', true], noValue: 'Nothing unapproved, no baseline, or no data',
    }),
  table(8, 'Firing Alerts', 'Alerts of alerts/*.yml that are firing now, for the selected organisations and for the exporter itself, without the prefix GenesysOAuth.',
    ['label_replace(max by (alertname, severity, org) (ALERTS{alertname=~"GenesysOAuth.*", alertstate="firing", org=~"$org|"}), "alertname", "$1", "alertname", "GenesysOAuth(.+)")'], {
      columns: [
        column('alertname', 'Alert'), column('severity', 'Severity', { look: 'color-background', width: 80, mappings: ALERT_TEXT }),
        column('org', 'Organisation', { width: 110 }),
      ],
      // An organisation that no exporter reports any more has an alert, so the number of those that are reported does not matter.
      everyOrg: true, drop: ['Value'], sortBy: ['Alert', false], noValue: 'No alert fires, no rules are loaded, or no data',
    }),
));

const STATE_COLOURS = { active: GOOD, inactive: '#808080', disabled: '#505050', other: 'purple' };

const composition = row('Composition',
  line(8,
    bars(8, 'Clients by Grant Type', 'The password grant should not be used (RFC 9700), and the platform will end the implicit grant.',
      [now(sum('grant_type', 'clients'), '{{grant_type}}')], { unit: 'none', colours: GRANT_COLOURS }),
    stat(4, 'Implicit Ends', 'When the platform ends the implicit grant. Clients that still use it will fail: move them to authorisation code with PKCE.',
      [now(`(${implicit} > bool 0) * ${IMPLICIT_GRANT_ENDS}000`)], { unit: 'dateTimeFromNow', steps: [[0, COLOURS.high]], mappings: mapping({ 0: ['no client uses it', GOOD] }), links: to('clients', 'Show the clients') }),
    pie(6, 'Clients by State', 'Disabled and inactive clients can be activated again. Delete the clients that nobody needs.',
      [now(sum('state', 'clients'), '{{state}}')], { unit: 'none', colours: STATE_COLOURS }),
    table(6, 'Scheduled Deletions', 'Clients that the platform will delete, the next one first.',
      [named(`${each('org, client_id', 'client_deletion_timestamp_seconds')} * 1000`)], {
        columns: [
          column('client_name', 'Client', { links: TO_CLIENT }), column('Value', 'Deleted', { width: 120, unit: 'dateTimeFromNow' }),
        ],
        drop: ['grant_type', 'org'], keep: ['client_id'], sortBy: ['Deleted', false], noValue: 'None, or no data',
      }),
  ),
  line(10,
    table(8, 'Top Dangerous Scopes', 'Dangerous scopes by the number of clients that hold them and act for a user.',
      [`topk(15, ${sum('scope, severity', 'dangerous_scope_clients')} > 0)`], top('scope', 'Scope')),
    table(8, 'Top Dangerous Permissions', 'Dangerous permission patterns of the policy by the number of client-credentials clients whose roles grant a matching permission.',
      [`topk(15, ${sum('permission, severity', 'dangerous_permission_clients')} > 0)`],
      top('permission', 'Permission')),
    table(8, 'Top Rules', 'The rules with the most open findings of severity medium or above. docs/rules.md says what each rule means and what to do.',
      [`topk(15, ${sum('rule, severity', 'findings', 'status="open"', 'severity=~"critical|high|medium"')} > 0)`],
      top('rule', 'Rule', 'Findings')),
  ),
);

function top(field, header, counted = 'Clients') {
  return {
    columns: [
      column(field, header), column('severity', 'Severity', { look: 'color-background', width: 85, mappings: SEVERITY_TEXT }),
      column('Value', counted, { look: 'gauge', width: 110, min: 0 }),
    ],
    sortBy: [counted, true], noValue: 'None, or no data',
  };
}

const history = row('Trend', line(9,
  series(8, 'Clients by Verdict', 'Every client has one of these three verdicts. A client that could not be evaluated has not passed.', [
    over(sum('', 'clients_flagged'), 'flagged'),
    over(sum('', 'clients_not_evaluated'), 'not evaluated'),
    over(sum('', 'clients_compliant'), 'compliant'),
  ], { unit: 'none', stacked: true, colours: { flagged: COLOURS.high, 'not evaluated': 'purple', compliant: GOOD } }),
  series(8, 'Flagged Clients by Severity', 'Clients by their worst open finding.',
    bySeverity((severity) => sum('', 'clients_flagged', severity)), { unit: 'none', stacked: true, colours: COLOURS }),
  series(8, 'Dangerous Scopes Held', 'Pairs of a client and a dangerous scope that it holds, whether approved or not.',
    bySeverity((severity) => sum('', 'dangerous_scope_occurrences', severity)), { unit: 'none', stacked: true, colours: COLOURS }),
));

export default dashboard({
  uid: 'genesys-oauth-overview', title: 'Genesys Cloud OAuth / Overview', from: 'now-24h', refresh: '5m',
  description: 'The OAuth clients of a Genesys Cloud organisation at a glance: what is dangerous, and what nobody approved.',
  rows: [state, attention, composition, history],
});
