// Checks dashboards against Grafana's own types and registries: node scripts/dashboards/check.mjs FILE...
// Grafana ignores a unit, reducer or transformation that it does not know, so that an error is hard to see in a picture.
// Not the results of the queries: columns.mjs checks those, called by the dashboard tests.

import { readFileSync } from 'node:fs';

import { wrongWithoutData } from './empty.mjs';
import { grafanaData, panelsOf, validators } from './grafana.mjs';

const KINDS = ['row', 'bargauge', 'gauge', 'piechart', 'stat', 'statetimeline', 'table', 'timeseries'];
const validate = validators(['Dashboard', 'Field', 'TableField', 'TimeseriesField', 'TimelineField', 'PieField', ...KINDS]);
const CUSTOM = { table: 'TableField', timeseries: 'TimeseriesField', 'state-timeline': 'TimelineField', piechart: 'PieField' };

const grafana = grafanaData();
const ids = (list) => new Set(list.map(({ id }) => id));
const UNITS = ids(grafana.getValueFormats().flatMap(({ submenu }) => submenu.map(({ value }) => ({ id: value }))));
const TRANSFORMATIONS = ids(Object.values(grafana.standardTransformers));
const REDUCERS = ids(grafana.fieldReducers.list());
const MATCHERS = ids(grafana.fieldMatchers.list());
const COLOUR_MODES = ids(grafana.fieldColorModeRegistry.list());
const CALCULATIONS = new Set(['calcs', 'reducer', 'reducers', 'aggregations']);
const theme = grafana.createTheme();

/** The theme returns a name that it does not know unchanged. */
const isColour = (name) => /^#[0-9a-f]{6}$/i.test(name) || theme.visualization.getColorByName(name) !== name;

/** Every key and value inside a value, with its path. */
function* walk(value, path = '') {
  if (value === null || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) {
    yield [key, inner, `${path}/${key}`];
    yield* walk(inner, `${path}/${key}`);
  }
}

const messages = (validator) => validator.errors.map(({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`);

/** Errors in the ids of a panel: units, reducers, transformations, colours. */
function* wrongIds(panel) {
  for (const { id } of panel.transformations ?? []) if (!TRANSFORMATIONS.has(id)) yield `unknown transformation ${id}`;
  for (const { matcher, properties } of panel.fieldConfig?.overrides ?? []) {
    if (!MATCHERS.has(matcher.id)) yield `unknown matcher ${matcher.id}`;
    for (const { id, value } of properties) yield* wrongProperty(panel, id, value);
  }
  const units = [panel.fieldConfig?.defaults.unit, ...(panel.fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
    properties.filter(({ id }) => id === 'unit').map(({ value }) => value))];
  for (const unit of units) if (unit !== undefined && !UNITS.has(unit)) yield `unknown unit ${unit}`;
  for (const [key, value, path] of walk(panel)) {
    const reducers = CALCULATIONS.has(key) ? [value].flat().filter((name) => typeof name === 'string') : [];
    for (const name of reducers) if (!REDUCERS.has(name)) yield `${path}: unknown reducer ${name}`;
    if (['color', 'fixedColor'].includes(key) && typeof value === 'string' && !isColour(value)) yield `${path}: unknown colour ${value}`;
    if (key === 'color' && value?.mode !== undefined && !COLOUR_MODES.has(value.mode)) yield `${path}: unknown colour mode ${value.mode}`;
  }
}

/** A property of an override is a field of Grafana's FieldConfig or, with the prefix `custom.`, of the panel's own fields. */
function* wrongProperty(panel, id, value) {
  const own = id.startsWith('custom.');
  const validator = validate[own ? CUSTOM[panel.type] : 'Field'];
  if (!validator) yield `${id}: a ${panel.type} has no custom fields`;
  else if (!validator({ [own ? id.slice('custom.'.length) : id]: value })) yield* messages(validator).map((error) => `override ${id}: ${error}`);
}

function* wrong(dashboard) {
  if (!validate.Dashboard(dashboard)) yield* messages(validate.Dashboard);
  for (const panel of panelsOf(dashboard)) {
    const name = `panel "${panel.title}"`;
    const validator = validate[KINDS.find((kind) => kind === String(panel.type).replace('-', ''))];
    if (!validator) yield `${name}: unknown type ${panel.type}`;
    else {
      if (!validator(panel)) yield* messages(validator).map((error) => `${name}: ${error}`);
      for (const error of wrongIds(panel)) yield `${name}: ${error}`;
      if (panel.type !== 'row') for (const error of wrongWithoutData(panel, grafana, theme)) yield `${name}: ${error}`;
    }
  }
}

let errors = 0;
for (const file of process.argv.slice(2)) {
  for (const error of wrong(JSON.parse(readFileSync(file, 'utf8')))) {
    console.error(`${file}: ${error}`);
    errors += 1;
  }
}
// Exit explicitly, because jsdom's timers would keep the process alive.
process.exit(errors > 0 ? 1 : 0);
