// Finds columns, series and links of panels that their queries do not return: node scripts/dashboards/columns.mjs RESULTS [--show]
// RESULTS maps `uid / panel / A` to the data of a response of Prometheus. Prints a line for each name that is missing, and for each
// column that is shown but not named by the panel. Grafana's own code runs the transformations. The dashboard tests call this script.

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { grafanaData, panelsOf } from './grafana.mjs';

const grafana = grafanaData();
const { standardTransformers, standardTransformersRegistry, transformDataFrame, toDataFrame, getFieldDisplayName } = grafana;
// One of them is also listed under an old name.
const byId = new Map(Object.values(standardTransformers).map((transformation) => [transformation.id, transformation]));
standardTransformersRegistry.setInit(() => [...byId.values()].map((transformation) => ({ id: transformation.id, name: transformation.name, transformation })));

const folder = fileURLToPath(new URL('../../dashboards/', import.meta.url));
const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const show = process.argv.includes('--show');
const dashboards = readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => JSON.parse(readFileSync(folder + name, 'utf8')));

const samples = (series) => series.values ?? [series.value];
const legend = (format, labels) => format.replace(/{{(\w+)}}/g, (_, label) => labels[label] ?? '');

/** Like Grafana's Prometheus data source: a frame for each series, named by the legend. */
const seriesFrames = ({ refId, legendFormat }, { result }) => result.map((series) => toDataFrame({
  refId,
  fields: [
    { name: 'Time', type: 'time', values: samples(series).map(([time]) => time * 1000) },
    { name: 'Value', type: 'number', labels: series.metric, values: samples(series).map(([, value]) => Number(value)),
      config: legendFormat === '__auto' ? {} : { displayNameFromDS: legend(legendFormat, series.metric) } },
  ],
}));

/** Like Grafana's Prometheus data source (transformDFToTable): labels by name; the value has its query's name if there are several queries. */
const tableFrame = ({ refId }, { result }, several) => {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric).sort()))];
  return toDataFrame({
    refId,
    fields: [
      { name: 'Time', type: 'time', values: result.map(({ value }) => value[0] * 1000) },
      ...labels.map((name) => ({ name, type: 'string', values: result.map(({ metric }) => metric[name] ?? '') })),
      { name: several ? `Value #${refId}` : 'Value', type: 'number', values: result.map(({ value }) => Number(value[1])) },
    ],
  });
};

function transformed(transformations, frames) {
  let last = frames;
  transformDataFrame(transformations, frames).subscribe((data) => { last = data; });
  return last;
}

const names = (frames) => new Set(frames.flatMap((frame) => frame.fields.flatMap((field) => [field.name, getFieldDisplayName(field, frame, frames)])));

function* missing(panel, frames) {
  const transformations = panel.transformations ?? [];
  const organize = transformations.find(({ id }) => id === 'organize');
  const before = names(transformed(transformations.filter((one) => one !== organize), frames));
  const after = transformed(transformations, frames);
  const known = names(after);
  if (organize) {
    const { excludeByName, indexByName, renameByName } = organize.options;
    const spoken = new Set([excludeByName, indexByName, renameByName].flatMap(Object.keys));
    for (const name of spoken) if (!before.has(name)) yield `column ${name}`;
  }
  for (const { matcher, properties } of panel.fieldConfig.overrides) {
    const matches = grafana.fieldMatchers.get(matcher.id).get(matcher.options);
    if (!after.some((frame) => frame.fields.some((field) => matches(field, frame, after)))) yield `override ${matcher.options}`;
    for (const [, name] of JSON.stringify(properties).matchAll(/__data\.fields\.(\w+)/g)) if (!known.has(name)) yield `link ${name}`;
  }
  for (const { displayName } of panel.options.sortBy ?? []) if (!known.has(displayName)) yield `order ${displayName}`;
  if (panel.type === 'table') {
    if (after.length !== 1) yield `expected one table, but there are ${after.length}`;
    const hidden = panel.fieldConfig.overrides.filter(({ properties }) => properties[0].id === 'custom.hidden').map(({ matcher }) => matcher.options);
    const named = new Set([...Object.values(organize.options.renameByName), ...hidden]);
    for (const field of after[0].fields) {
      const name = getFieldDisplayName(field, after[0], after);
      if (!named.has(name)) yield `a column that the panel does not name: ${name}`;
    }
  }
  if (show) picture(panel, after);
}

function picture(panel, frames) {
  console.error(`\n## ${panel.title} (${panel.type})`);
  for (const frame of frames.slice(0, 6)) {
    if (panel.type !== 'table') console.error(frame.fields.map((field) => `${getFieldDisplayName(field, frame, frames)}=${field.values.at(-1)}`).slice(1).join(' '));
    else {
      console.error(frame.length, frame.fields.map((field) => getFieldDisplayName(field, frame, frames)).join(' | '));
      for (let at = 0; at < Math.min(4, frame.length); at += 1) console.error('  ', frame.fields.map(({ values }) => values[at]).join(' | '));
    }
  }
}

for (const dashboard of dashboards) {
  for (const panel of panelsOf(dashboard).filter(({ type }) => type !== 'row')) {
    const asked = panel.targets.map((target) => [target, results[`${dashboard.uid} / ${panel.title} / ${target.refId}`]]);
    // Panels without any data are checked by another test.
    if (asked.every(([, { result }]) => result.length === 0)) continue;
    const frames = asked.flatMap(([target, data]) => (target.format === 'table' ? [tableFrame(target, data, asked.length > 1)] : seriesFrames(target, data)));
    for (const name of missing(panel, frames)) console.log(`${dashboard.uid} / ${panel.title} / ${name}`);
  }
}
// Exit explicitly, because jsdom's timers would keep the process alive.
process.exit(0);
