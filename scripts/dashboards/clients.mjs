// One client, which is selected by its name or in the inventory below it.

import { CLIENT, dashboard, line, row } from './model.mjs';
import { APPROVAL, COLOURS, GOOD, SEVERITY_NUMBER, SEVERITY_TEXT, TO_CLIENT, bySeverity, column, now, over, series, stat, table, timeline } from './panels.mjs';
import { CLIENTS, dangerous, each, of, worst } from './queries.mjs';

const ONE = 'client_id="$client"';
const client = (family) => each('org, client_id', `client_${family}`);
const chosen = (family) => `max(${of(`client_${family}`, ONE)})`;

const inventory = row('Inventory', line(12,
  table(24, 'Clients', 'Every client, the worst first. Filter with the funnel in a column header. Click a name to show that client above.', [
    CLIENTS,
    worst(),
    `max by (org, client_id) (sum by (org, client_id, job, instance) (${of('client_findings')}))`,
    `sum by (org, client_id) (${dangerous('unapproved')})`,
    client('scopes'),
    client('role_grants'),
    client('access_token_validity_seconds'),
    `${client('modified_timestamp_seconds')} * 1000`,
  ], {
    columns: [
      column('client_name', 'Client', { links: TO_CLIENT }),
      column('Value #B', 'Worst', { look: 'color-background', width: 75, mappings: SEVERITY_NUMBER }),
      column('Value #C', 'Open', { width: 70 }),
      column('Value #D', 'Unapproved', { look: 'color-text', width: 105, steps: [[0, GOOD], [1, COLOURS.critical]] }),
      column('grant_type', 'Grant Type', { width: 135 }), column('state', 'State', { width: 75 }),
      column('Value #E', 'Scopes', { width: 75 }), column('Value #F', 'Roles', { width: 70 }),
      column('Value #G', 'Token', { width: 85, unit: 's', look: 'color-text', steps: [[86401, COLOURS.medium], [172801, COLOURS.high]] }),
      column('Value #H', 'Changed', { width: 125, unit: 'dateTimeFromNow' }),
      column('org', 'Organisation', { width: 110 }),
    ],
    drop: ['Value #A'], keep: ['client_id'], sortBy: ['Worst', true], noValue: 'No client, or no data', filterable: true,
  }),
));

const plainly = { unit: 'none' };
/** Shows a label of the client as text. */
const label = (name) => [now(`max by (${name}) (${of('client_info', ONE)})`, `{{${name}}}`)];

const identity = row('Identity',
  line(4,
    stat(8, 'Name', 'The selected client. A name can change and need not be unique; the id is the value of the variable Client.', label('client_name'), { ...plainly, text: 'name' }),
    stat(4, 'Grant Type', 'How the client obtains tokens. Client-credentials clients act with their roles; all others act for a user, limited by their scopes.', label('grant_type'), { ...plainly, text: 'name' }),
    stat(4, 'Client State', 'A client that is not active can be activated again.', label('state'), { ...plainly, text: 'name' }),
    // The family of findings can be disabled or dropped. "No finding" is certain only if the family has series of other clients.
    stat(4, 'Worst Finding', 'The highest severity of its open findings.',
      [now(`max(${worst(ONE)} or max by (org, client_id) (${of('client_info', ONE)}) * 0 and on (org) ${of('client_findings')})`)],
      { unit: 'none', mappings: SEVERITY_NUMBER, noValue: 'No open finding, or no data' }),
    stat(4, 'Unapproved', 'Its dangerous scopes and permissions that the baseline does not approve.',
      [now(`sum(${dangerous('unapproved', '', ONE)} or max by (org) (${of('client_info', ONE)}) * 0 and on (org) (${of('baseline_loaded')} == 1))`)],
      { unit: 'none', look: 'background', steps: [[0, GOOD], [1, COLOURS.critical]], noValue: 'No baseline, or no data' }),
  ),
  line(4,
    stat(4, 'Created', 'When the client was created.', [now(`${chosen('created_timestamp_seconds')} * 1000`)], { ...plainly, unit: 'dateTimeFromNow' }),
    stat(4, 'Last Changed', 'When the client was last changed.', [now(`${chosen('modified_timestamp_seconds')} * 1000`)], { ...plainly, unit: 'dateTimeFromNow' }),
    stat(4, 'Deletion', 'When the platform will delete the client.', [now(`${chosen('deletion_timestamp_seconds')} * 1000`)],
      { ...plainly, unit: 'dateTimeFromNow', noValue: 'Not scheduled, or no data' }),
    stat(4, 'Token Lifetime', 'How long its access tokens are valid. The default of the platform is 24 h.', [now(chosen('access_token_validity_seconds'))],
      { unit: 's', steps: [[86401, COLOURS.medium], [172801, COLOURS.high]] }),
    stat(4, 'Scopes Held', 'Number of its scopes. Scopes have an effect only for clients that act for a user.', [now(chosen('scopes'))], plainly),
    stat(4, 'Roles Held', 'Number of its roles, counted once per division. Roles have an effect only for client-credentials clients.', [now(chosen('role_grants'))], plainly),
  ),
);

const grants = row('Scopes and permissions', line(9,
  table(12, 'Dangerous Grants', 'The dangerous scopes and permissions of the client. Settled: approved, exempt or gone; a grant that is gone stays in the list for 26 h. Not new: exempt, gone, or held before the exporter first read it or the policy first covered it.', [
    `max by (kind, grant) (${dangerous('first_seen_timestamp_seconds', '', ONE)}) * 1000`,
    // Always has a row for each grant: without the second query, Grafana would name the value column differently.
    `max by (kind, grant) (${dangerous('unapproved', '', ONE)}) or max by (kind, grant) (${dangerous('first_seen_timestamp_seconds', '', ONE)}) * 0 - 1`,
  ], {
    columns: [
      column('grant', 'Grant'), column('kind', 'Kind', { width: 100 }),
      column('Value #B', 'Status', { look: 'color-background', width: 110, mappings: APPROVAL }),
      column('Value #A', 'First Seen', { width: 130, unit: 'dateTimeFromNow', mappings: [{ type: 'value', options: { 0: { text: 'not new', index: 0 } } }] }),
    ],
    sortBy: ['Status', true], noValue: 'Nothing dangerous, or no data',
  }),
  timeline(12, 'Approval over Time', 'When each dangerous grant of the client was unapproved. Red means that it paged.', [
    over(`max by (scope) (${of('client_dangerous_scope_unapproved', ONE)})`, '{{scope}}'),
    over(`max by (permission) (${of('client_dangerous_permission_unapproved', ONE)})`, '{{permission}}'),
  ], { unit: 'none', mappings: APPROVAL, noValue: 'No baseline, nothing dangerous, or no data' }),
));

const findings = row('Findings', line(9,
  table(12, 'Open Findings', 'The open findings of the client. The command "rules explain RULE" says why a finding matters and what to do.',
    [`max by (rule, severity) (${of('client_findings', ONE)})`], {
      columns: [
        column('rule', 'Rule'), column('severity', 'Severity', { look: 'color-background', width: 110, mappings: SEVERITY_TEXT }),
        column('Value', 'Findings', { width: 110 }),
      ],
      sortBy: ['Findings', true], noValue: 'No open finding, or no data',
    }),
  series(12, 'Findings by Severity', 'The open findings of the client over time.',
    bySeverity((severity) => `max(sum by (job, instance) (${of('client_findings', ONE, severity)}))`),
    { unit: 'none', stacked: true, colours: COLOURS, noValue: 'No open finding, or no data' }),
));

export default dashboard({
  uid: 'genesys-oauth-clients', title: 'Genesys Cloud OAuth / Clients', from: 'now-24h', refresh: '5m',
  description: 'Details of one OAuth client: its identity, what it may do, and its findings; and the inventory of all clients.',
  variables: [CLIENT], rows: [identity, grants, findings, inventory],
});
