// The frame of a dashboard: variables, annotations, links between the dashboards, and the layout in the grid.

const COLUMNS = 24;

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The kinds of queries, as Grafana's Prometheus variable editor numbers them. */
const LABEL_VALUES = 1;
const QUERY_RESULT = 3;

const query = (kind, text) => ({ qryType: kind, query: text, refId: 'PrometheusVariableQueryEditor-VariableQuery' });

const variable = (name, label, description, kind, text, more) => ({
  type: 'query', name, label, description, datasource: DATASOURCE, query: query(kind, text),
  hide: 0, includeAll: false, multi: false, options: [], refresh: 2, regex: '', skipUrlSync: false, sort: 1, ...more,
});

/**
 * "All" means every value that the exporter had in the time range, so that an exporter that is down is included. With `.+` for "All",
 * `up` and `process_*` would include every other program.
 */
const many = { includeAll: true, multi: true, current: { selected: true, text: ['All'], value: ['$__all'] } };

const BUILD = 'genesyscloud_oauth_exporter_build_info';
const HERE = 'job=~"$job", instance=~"$instance"';

const datasource = {
  type: 'datasource', name: 'datasource', label: 'Data source', description: 'The Prometheus that scrapes the exporter.',
  query: 'prometheus', hide: 0, includeAll: false, multi: false, options: [], refresh: 1, regex: '', skipUrlSync: false,
};

const ATTEMPT = `genesyscloud_oauth_exporter_last_refresh_attempt_timestamp_seconds{${HERE}`;

const organisation = variable('org', 'Organisation', 'The label org, which GENESYSCLOUD_ORG sets.', LABEL_VALUES, `label_values(${ATTEMPT}}, org)`,
  { ...many, allValue: '.+' });

/** A pattern for label_replace: `.+` if one organisation is selected, which hides the column of the organisation, otherwise nothing. */
const hideOrg = variable('hide_org', 'Hide the organisation', 'Hides the column of the organisation if only one is selected.', QUERY_RESULT,
  `query_result(label_replace(count(count by (org) (${ATTEMPT}, org=~"$org"})) == 1, "hide", ".+", "", ""))`, { hide: 2, regex: '/hide="([^"]*)"/' });

const SCRAPED = [
  datasource,
  variable('job', 'Job', 'The scrape job of the exporter.', LABEL_VALUES, `label_values(${BUILD}, job)`, many),
  variable('instance', 'Instance', 'Replicas of the exporter. Their audited data is never added up.', LABEL_VALUES,
    `label_values(${BUILD}{job=~"$job"}, instance)`, many),
  hideOrg,
];

/** One client, found by typing part of its name. The value is the id, because names need not be unique. */
export const CLIENT = variable('client', 'Client', 'Type part of the name.', QUERY_RESULT,
  `query_result(max by (client_id, client_name) (genesyscloud_oauth_client_info{${HERE}, org=~"$org"}))`,
  { regex: '/client_id="(?<value>[^"]*)|client_name="(?<text>[^"]*)/g', sort: 5 });

/** Without a switch in the header, which would need a second line. An event is drawn at the time that is the value of the series (in milliseconds), not at the time of the sample. */
const annotation = (name, iconColor, expr, titleFormat, textFormat, tagKeys) => ({
  name, iconColor, enable: true, hide: true, datasource: DATASOURCE, titleFormat, textFormat, tagKeys, useValueForTime: true,
  target: { refId: 'Anno', expr, interval: '' },
});

const firstSeen = (kind) =>
  `max by (org, client_id, client_name, ${kind}) ((max by (org, client_id, ${kind}) (genesyscloud_oauth_client_dangerous_${kind}_first_seen_timestamp_seconds{${HERE}, org=~"$org"}) > 0)`
  + ` * on (org, client_id) group_left (client_name) topk by (org, client_id) (1, genesyscloud_oauth_client_info{${HERE}, org=~"$org"})) * 1000`;

const ANNOTATIONS = [
  annotation('New dangerous scope', 'red', firstSeen('scope'), 'New dangerous scope', '{{client_name}} gained {{scope}}', 'org'),
  annotation('New dangerous permission', 'purple', firstSeen('permission'), 'New dangerous permission',
    '{{client_name}} gained {{permission}}', 'org'),
];

/** For the dashboard of the exporter only. */
export const RESTARTS = [
  annotation('Exporter restart', 'blue', `max by (job, instance) (process_start_time_seconds{${HERE}}) * 1000`,
    'Exporter started', '{{instance}}', 'job'),
];

const TAG = 'genesys-oauth';

/** The four dashboards by name, in the order of the links. */
const DASHBOARDS = ['overview', 'clients', 'changes', 'exporter'];

const links = DASHBOARDS.map((name) => ({
  type: 'link', title: name[0].toUpperCase() + name.slice(1), url: `/d/genesys-oauth-${name}`, tooltip: 'With the same time range and selection',
  icon: 'dashboard', tags: [], asDropdown: false, includeVars: true, keepTime: true, targetBlank: false,
}));

/** A named row of lines. Each line must be exactly as wide as the grid. */
export const row = (title, ...lines) => ({ title, lines });
/** A row that is closed at first; Grafana keeps its panels inside it. */
export const closed = (title, ...lines) => ({ title, lines, collapsed: true });

function place(uid, rows) {
  const panels = [];
  let y = 0;
  let id = 0;
  for (const { title, lines, collapsed = false } of rows) {
    const header = { id: ++id, type: 'row', title, collapsed, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] };
    panels.push(header);
    y += 1;
    for (const { height, panels: line } of lines) {
      let x = 0;
      for (const { width, ...panel } of line) {
        (collapsed ? header.panels : panels).push({ id: ++id, ...panel, gridPos: { x, y, w: width, h: height } });
        x += width;
      }
      if (x !== COLUMNS) throw new Error(`${uid}, ${title}: a line is ${x} wide, not ${COLUMNS}`);
      y += height;
    }
  }
  return panels;
}

/** Panels of the same height, side by side. */
export const line = (height, ...panels) => ({ height, panels });

export const dashboard = ({ uid, title, description, from, refresh, variables = [], annotations = [], rows }) => ({
  uid, title, description, tags: [TAG, 'oauth', 'security'], schemaVersion: 39, version: 1, editable: false, graphTooltip: 1,
  time: { from, to: 'now' }, refresh, timezone: 'browser', timepicker: {}, weekStart: '', fiscalYearStartMonth: 0, liveNow: false,
  annotations: { list: [...ANNOTATIONS, ...annotations] }, links, templating: { list: [organisation, ...variables, ...SCRAPED] }, panels: place(uid, rows),
});
