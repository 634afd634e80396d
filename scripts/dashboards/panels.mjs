// The kinds of panels, with the options that all panels of a kind share. Not what the panels show: the dashboards define that.

import { DATASOURCE } from './model.mjs';
import { SEVERITIES } from './queries.mjs';

/** One colour for each severity, everywhere. */
export const COLOURS = { critical: 'red', high: 'orange', medium: 'yellow', low: 'blue', info: '#808080' };
/** One colour for each grant type, everywhere. */
export const GRANT_COLOURS = {
  password: 'dark-red', implicit: 'dark-orange', client_credentials: 'blue', code: 'dark-blue', saml2_bearer: 'light-blue', other: 'purple',
};
export const GOOD = 'green';
const GREY = '#808080';
/** Of a value whose absence is not a fault by itself, and that must not look like an all-clear. */
const MISSING = 'orange';
/** The colour of bars whose length depends on the other bars, so that a long bar is not worse than a short one elsewhere. */
const BAR = { mode: 'fixed', fixedColor: GREY };

/** `steps` are [from, colour]. Below the first one, and without a value, the colour is neutral: Grafana colours missing data by the base. */
const thresholds = (steps, base) => ({
  mode: 'absolute', steps: [{ color: base, value: null }, ...steps.map(([value, color]) => ({ color, value }))],
});

/** The base colour of a look: a background that does not exist, or the colour of ordinary text. */
const baseOf = (look) => (['background', 'color-background'].includes(look) ? 'transparent' : 'text');

/** Shows a missing value as text in a colour of its own. Grafana would otherwise take the base colour. */
const missing = (text) => ({ type: 'special', options: { match: 'null+nan', result: { text, color: MISSING, index: 9 } } });

/** Maps values to texts and colours. */
export const mapping = (options) => [{
  type: 'value',
  options: Object.fromEntries(Object.entries(options).map(([value, [text, color]], index) => [value, { text, color, index }])),
}];

export const SEVERITY_TEXT = mapping(Object.fromEntries(SEVERITIES.map((name) => [name, [name, COLOURS[name]]])));
/** Alerts have the severity warning where findings have high. */
export const ALERT_TEXT = mapping({ critical: ['critical', COLOURS.critical], warning: ['warning', COLOURS.high], info: ['info', COLOURS.info] });
export const SEVERITY_NUMBER = mapping({
  0: ['none', GOOD], ...Object.fromEntries(SEVERITIES.map((name, at) => [SEVERITIES.length - at, [name, COLOURS[name]]])),
});
/** Settled: approved, exempt or gone. */
export const APPROVAL = mapping({ [-1]: ['no baseline', '#808080'], 0: ['settled', GOOD], 1: ['unapproved', COLOURS.critical] });
/** Before the first complete refresh, the time of the last one is 1970. */
export const AGE_TEXT = [{ type: 'range', options: { from: 1e9, to: null, result: { text: 'never read', color: COLOURS.critical, index: 0 } } }];
export const YES_NO = mapping({ 0: ['no', COLOURS.critical], 1: ['yes', GOOD] });

/** Sets the colour of a series by its name. */
const coloured = (colours) => Object.entries(colours).map(([name, fixedColor]) => ({
  matcher: { id: 'byName', options: name }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor } }],
}));

const refId = (at) => String.fromCharCode(65 + at);

/** An instant query, so that no old value is shown for data that was withdrawn. */
export const now = (expr, legendFormat = '__auto') => ({ expr, legendFormat, instant: true, range: false, format: 'time_series' });
/** A range query over the selected time range. */
export const over = (expr, legendFormat) => ({ expr, legendFormat, instant: false, range: true, format: 'time_series' });
/**
 * A query over the time range for a figure with a sparkline. Without data its last value is NaN, which is shown as missing: it must not be the
 * last value before the data was withdrawn. `expr` has no labels.
 */
export const trend = (expr) => over(`${expr} or vector(NaN)`, 'now');
/** One query for each severity, the worst first, which is the order of a stack. */
export const bySeverity = (expr) => SEVERITIES.map((severity) => over(expr(`severity="${severity}"`), severity));
/** Like `now`, with the labels as columns. Without a second organisation, the label org has no column. */
const rows = (expr, org) => ({ expr: org ? `label_replace(${expr}, "org", "", "org", "$hide_org")` : expr, legendFormat: '', instant: true, range: false, format: 'table' });

const panel = (type, width, title, description, targets, defaults, overrides, options, more = {}) => ({
  type, width, title, description, datasource: DATASOURCE,
  targets: targets.map((target, at) => ({ refId: refId(at), datasource: DATASOURCE, editorMode: 'code', ...target })),
  fieldConfig: { defaults, overrides }, options, ...more,
});

const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
const legend = (more = {}) => ({ displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [], ...more });
const tooltip = { mode: 'multi', sort: 'desc' };

const basics = ({ unit, steps = [], base = 'text', mappings = [], noValue, decimals, min, max, color = { mode: 'thresholds' }, links }) => ({
  unit, mappings, color, thresholds: thresholds(steps, base),
  ...Object.fromEntries(Object.entries({ noValue, decimals, min, max, links }).filter(([, value]) => value !== undefined)),
});

/** The basics of a panel that shows one value, or one for each series, and that says so if it has none. */
const valued = ({ noValue = 'No data', mappings = [], ...field }) => basics({ ...field, noValue, mappings: [...mappings, missing(noValue)] });

/** A single value. The look `background` is for values that must be zero. With `spark`, the query is one of `trend`. */
export const stat = (width, title, description, targets, { look = 'value', text = 'auto', spark = false, ...field }) =>
  panel('stat', width, title, description, targets, valued({ base: baseOf(look), ...field }), [], {
    colorMode: look, graphMode: spark ? 'area' : 'none', justifyMode: 'center', orientation: 'auto', percentChangeColorMode: 'standard',
    reduceOptions: spark ? { ...reduceOptions, calcs: ['last'] } : reduceOptions, showPercentChange: false, textMode: text, wideLayout: true,
  });

/** A share, on a dial. */
export const gauge = (width, title, description, targets, field) =>
  panel('gauge', width, title, description, targets, valued(field), [], {
    minVizHeight: 75, minVizWidth: 75, orientation: 'auto', reduceOptions, showThresholdLabels: false,
    showThresholdMarkers: true, sizing: 'auto',
  });

/** Values as horizontal bars, which are neutral unless each has a colour of its own. */
export const bars = (width, title, description, targets, { colours = {}, ...field }) =>
  panel('bargauge', width, title, description, targets, valued({ min: 0, color: BAR, ...field }), coloured(colours), {
    displayMode: 'basic', legend: { ...legend(), showLegend: false }, maxVizHeight: 300, minVizHeight: 16, minVizWidth: 8, namePlacement: 'auto',
    orientation: 'horizontal', reduceOptions, showUnfilled: true, sizing: 'auto', valueMode: 'color',
  });

/** Shares of a total. */
export const pie = (width, title, description, targets, { colours = {}, ...field }) =>
  panel('piechart', width, title, description, targets,
    { ...valued({ color: BAR, ...field }), custom: { hideFrom: { legend: false, tooltip: false, viz: false } } },
    coloured(colours), {
      displayLabels: [], legend: { ...legend({ displayMode: 'table', placement: 'right' }), values: ['value', 'percent'] }, orientation: 'auto', pieType: 'donut',
      reduceOptions, tooltip: { mode: 'single', sort: 'none' },
    });

/** The end of an axis without larger values, by unit: otherwise an axis of zeros would have odd labels. A rate has no natural end. */
const SOFT_MAX = { none: 1, percentunit: 0.05 };

/**
 * Values over time. `interval` is the minimum step; for a counter that grows once per refresh, it must span several refreshes, and a single
 * point must then be visible. A stack has no lines, so that a series of zeros is invisible.
 */
export const series = (width, title, description, targets, { colours = {}, stacked = false, draw = 'line', interval, calcs = [], steps, unit, ...field }) =>
  panel('timeseries', width, title, description, targets, {
    ...valued({ min: 0, color: { mode: 'palette-classic' }, steps, unit, ...(unit === 'none' ? { decimals: 0 } : {}), ...field }),
    custom: {
      drawStyle: draw, lineInterpolation: 'stepAfter', lineWidth: stacked || draw === 'bars' ? 0 : 2, fillOpacity: stacked || draw === 'bars' ? 70 : 8,
      showPoints: interval ? 'auto' : 'never', spanNulls: false, stacking: { group: 'A', mode: stacked ? 'normal' : 'none' },
      thresholdsStyle: { mode: steps ? 'dashed' : 'off' }, ...(SOFT_MAX[unit] ? { axisSoftMax: SOFT_MAX[unit] } : {}),
    },
  }, coloured(colours), { legend: legend(calcs.length > 0 ? { displayMode: 'table', calcs } : {}), tooltip }, interval ? { interval } : {});

/** States over time. Their mappings give the colours: with the mode `thresholds`, Grafana would ignore them. */
export const timeline = (width, title, description, targets, field) =>
  panel('state-timeline', width, title, description, targets,
    { ...valued({ ...field, color: BAR }), custom: { fillOpacity: 80, lineWidth: 0 } }, [], {
      alignValue: 'left', legend: { ...legend(), showLegend: false }, mergeValues: true, perPage: 0, rowHeight: 0.85, showValue: 'auto',
      tooltip: { mode: 'single', sort: 'none' },
    });

const SELECTION = '${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${org:queryparam}&${__url_time_range}';

/** Links a table row to the dashboard of its client. The table must have the column client_id. */
export const TO_CLIENT = [{
  title: 'Show this client', targetBlank: false, url: `/d/genesys-oauth-clients?var-client=\${__data.fields.client_id}&${SELECTION}`,
}];

/** Links a figure to the dashboard that explains it. */
export const to = (name, title) => [{ title, targetBlank: false, url: `/d/genesys-oauth-${name}?${SELECTION}` }];

/** A column of a table: its field, its header, and its look. `look` is a cell type. */
export const column = (field, header, { look, width, ...more } = {}) => ({ field, header, look, width, more });

const override = ({ header, look, width, more: { steps = [], ...given } }) => {
  const standard = look === 'gauge' ? { color: BAR, ...given } : given;
  const properties = [
    ...(look ? [{ id: 'custom.cellOptions', value: look === 'color-background' ? { type: look, mode: 'basic' } : { type: look } }] : []),
    ...(width ? [{ id: 'custom.width', value: width }] : []),
    ...(look?.startsWith('color-') ? [{ id: 'thresholds', value: thresholds(steps, baseOf(look)) }] : []),
    ...Object.entries(standard).map(([id, value]) => ({ id, value })),
    // Without this, each empty cell would show the text for an empty table.
    { id: 'noValue', value: '-' },
  ];
  return { matcher: { id: 'byName', options: header }, properties };
};

/** A hidden column, which links can use. */
const hidden = (name) => ({ matcher: { id: 'byName', options: name }, properties: [{ id: 'custom.hidden', value: true }] });

/**
 * A table with one row for each series. Several queries are merged by their common labels. `sortBy` is [header, descending].
 * `drop` lists columns to remove; `keep` lists columns to hide, because links need them. The column of the organisation disappears if only one is
 * selected, unless the table is about organisations (`everyOrg`).
 */
export const table = (width, title, description, questions, { columns, drop = [], keep = [], sortBy, noValue = 'No data', filterable = false, everyOrg = false }) => {
  const org = !everyOrg && columns.some(({ field }) => field === 'org');
  const excluded = ['Time', ...drop];
  const organize = {
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(excluded.map((name) => [name, true])),
      indexByName: Object.fromEntries([...columns.map(({ field }) => field), ...keep].map((name, at) => [name, at])),
      renameByName: Object.fromEntries(columns.map(({ field, header }) => [field, header])),
      includeByName: {},
    },
  };
  const merge = questions.length > 1 ? [{ id: 'merge', options: {} }] : [];
  return panel('table', width, title, description, questions.map((question) => rows(question, org)),
    { ...basics({ unit: 'none', noValue }), custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, filterable } },
    [...columns.map(override), ...keep.map(hidden)],
    {
      cellHeight: 'sm', footer: { countRows: false, fields: [], reducer: ['sum'], show: false }, frameIndex: 0, showHeader: true,
      sortBy: sortBy ? [{ displayName: sortBy[0], desc: sortBy[1] }] : [],
    },
    { transformations: [...merge, organize] });
};
