// The kinds of panels, with the options that all panels of a kind share. Not what the panels show: the dashboards define that.

import { DATASOURCE } from './model.mjs';
import { SEVERITIES } from './queries.mjs';

/** One colour for each severity, everywhere. */
export const COLOURS = { critical: 'red', high: 'orange', medium: 'yellow', low: 'blue', info: '#808080' };
export const GOOD = 'green';
export const NEUTRAL = 'text';

/** `steps` are [from, colour]; the first step starts at minus infinity. */
const thresholds = (steps) => ({
  mode: 'absolute', steps: steps.map(([value, color], at) => ({ color, value: at === 0 ? null : value })),
});

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
/** Like `now`, with the labels as columns. */
const rows = (expr) => ({ expr, legendFormat: '', instant: true, range: false, format: 'table' });

const panel = (type, width, title, description, targets, defaults, overrides, options, more = {}) => ({
  type, width, title, description, datasource: DATASOURCE,
  targets: targets.map((target, at) => ({ refId: refId(at), datasource: DATASOURCE, editorMode: 'code', ...target })),
  fieldConfig: { defaults, overrides }, options, ...more,
});

const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
const legend = (more = {}) => ({ displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [], ...more });
const tooltip = { mode: 'multi', sort: 'desc' };

const basics = ({ unit, steps = [[0, NEUTRAL]], mappings = [], noValue, decimals, min, max, color = { mode: 'thresholds' }, links }) => ({
  unit, mappings, color, thresholds: thresholds(steps),
  ...Object.fromEntries(Object.entries({ noValue, decimals, min, max, links }).filter(([, value]) => value !== undefined)),
});

/** A single value. */
export const stat = (width, title, description, targets, { look = 'background', text = 'auto', ...field }) =>
  panel('stat', width, title, description, targets, basics({ noValue: 'No data', ...field }), [], {
    colorMode: look, graphMode: 'none', justifyMode: 'center', orientation: 'auto', percentChangeColorMode: 'standard',
    reduceOptions, showPercentChange: false, textMode: text, wideLayout: true,
  });

/** A share, on a dial. */
export const gauge = (width, title, description, targets, field) =>
  panel('gauge', width, title, description, targets, basics({ noValue: 'No data', ...field }), [], {
    minVizHeight: 75, minVizWidth: 75, orientation: 'auto', reduceOptions, showThresholdLabels: false,
    showThresholdMarkers: true, sizing: 'auto',
  });

/** Values as horizontal bars. */
export const bars = (width, title, description, targets, { colours = {}, ...field }) =>
  panel('bargauge', width, title, description, targets, basics({ noValue: 'No data', min: 0, ...field }), coloured(colours), {
    displayMode: 'basic', legend: { ...legend(), showLegend: false }, maxVizHeight: 300, minVizHeight: 16, minVizWidth: 8, namePlacement: 'auto',
    orientation: 'horizontal', reduceOptions, showUnfilled: true, sizing: 'auto', valueMode: 'color',
  });

/** Shares of a total. */
export const pie = (width, title, description, targets, { colours = {}, ...field }) =>
  panel('piechart', width, title, description, targets,
    { ...basics({ noValue: 'No data', color: { mode: 'palette-classic' }, ...field }), custom: { hideFrom: { legend: false, tooltip: false, viz: false } } },
    coloured(colours), {
      displayLabels: [], legend: { ...legend({ displayMode: 'table', placement: 'right' }), values: ['value', 'percent'] }, orientation: 'auto', pieType: 'donut',
      reduceOptions, tooltip: { mode: 'single', sort: 'none' },
    });

/** Values over time. `interval` is the minimum step; for a counter that grows once per refresh, it must span several refreshes. */
export const series = (width, title, description, targets, { colours = {}, stacked = false, draw = 'line', interval, calcs = [], steps, ...field }) =>
  panel('timeseries', width, title, description, targets, {
    ...basics({ min: 0, color: { mode: 'palette-classic' }, steps: steps ?? [[0, GOOD]], ...field }),
    custom: {
      drawStyle: draw, lineInterpolation: 'stepAfter', lineWidth: draw === 'bars' ? 0 : 2, fillOpacity: draw === 'bars' ? 80 : stacked ? 40 : 8,
      showPoints: 'never', spanNulls: false, stacking: { group: 'A', mode: stacked ? 'normal' : 'none' },
      thresholdsStyle: { mode: steps ? 'dashed' : 'off' },
    },
  }, coloured(colours), { legend: legend(calcs.length > 0 ? { displayMode: 'table', calcs } : {}), tooltip }, interval ? { interval } : {});

/** States over time. */
export const timeline = (width, title, description, targets, field) =>
  panel('state-timeline', width, title, description, targets,
    { ...basics({ noValue: 'No data', ...field }), custom: { fillOpacity: 80, lineWidth: 0 } }, [], {
      alignValue: 'left', legend: { ...legend(), showLegend: true }, mergeValues: true, perPage: 20, rowHeight: 0.85, showValue: 'auto',
      tooltip: { mode: 'single', sort: 'none' },
    });

/** Links a table row to the dashboard of its client. The table must have the column client_id. */
export const TO_CLIENT = [{
  title: 'Show this client', targetBlank: false,
  url: '/d/genesys-oauth-clients?var-client=${__data.fields.client_id}&${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${org:queryparam}&${__url_time_range}',
}];

/** A column of a table: its field, its header, and its look. `look` is a cell type. */
export const column = (field, header, { look, width, ...more } = {}) => ({ field, header, look, width, more });

const override = ({ header, look, width, more: { steps, ...standard } }) => {
  const properties = [
    ...(look ? [{ id: 'custom.cellOptions', value: look === 'color-background' ? { type: look, mode: 'basic' } : { type: look } }] : []),
    ...(width ? [{ id: 'custom.width', value: width }] : []),
    ...(steps ? [{ id: 'thresholds', value: thresholds(steps) }] : []),
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
 * `drop` lists columns to remove; `keep` lists columns to hide, because links need them.
 */
export const table = (width, title, description, questions, { columns, drop = [], keep = [], sortBy, noValue = 'No data', filterable = false }) => {
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
  return panel('table', width, title, description, questions.map(rows),
    { ...basics({ unit: 'none', noValue }), custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, filterable } },
    [...columns.map(override), ...keep.map(hidden)],
    {
      cellHeight: 'sm', footer: { countRows: false, fields: [], reducer: ['sum'], show: false }, frameIndex: 0, showHeader: true,
      sortBy: sortBy ? [{ displayName: sortBy[0], desc: sortBy[1] }] : [],
    },
    { transformations: [...merge, organize] });
};
