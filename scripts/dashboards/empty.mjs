// What Grafana shows where there is no value, computed by Grafana's own code: never green, and outside of tables a text that says so.
// Not how panels look with values.

/** Without a series; with a series whose value is missing or not a number. */
const NOTHING = [null, Number.NaN];
/** A cell of a label that a row does not have. */
const NO_LABEL = ['', undefined, null];
/** A query that makes up a value where there is none. */
const MADE_UP = /\bvector\s*\(\s*([^()]*?)\s*\)/g;
const COLOURED_CELLS = ['color-background', 'color-text', 'gauge'];
const BASES = ['transparent', 'text'];

/** Whether a colour is a shade of green, such as `#73BF69` or `rgb(115, 191, 105)`. */
function isGreen(colour) {
  const hex = /^#(..)(..)(..)/.exec(colour);
  const [red, green, blue] = hex ? hex.slice(1).map((part) => parseInt(part, 16)) : (colour?.match(/\d+(\.\d+)?/g) ?? [0, 0, 0]).map(Number);
  return green > red && green > blue;
}

/** Properties such as `custom.cellOptions` of an override, as an object. */
const merged = (defaults, properties) => ({ ...defaults, ...Object.fromEntries(properties.map(({ id, value }) => [id, value])) });

/** The errors of a panel. */
export function* wrongWithoutData(panel, grafana, theme) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const display = (config) => grafana.getDisplayProcessor({ field: { type: 'number', config }, theme });
  const configs = [['', defaults], ...overrides.map(({ matcher, properties }) => [` of ${matcher.options}`, merged(defaults, properties)])];
  for (const [place, config] of configs) {
    const [base] = config.thresholds?.steps ?? [];
    if (base && !BASES.includes(base.color)) yield `the base of the thresholds${place} is ${base.color}`;
  }
  if (panel.type !== 'table') {
    // A series that has a colour of its own has the mappings of the panel, too.
    const shown = configs.flatMap(([place, config]) => NOTHING.map((value) => [place, display(config)(value)]));
    if (panel.options.reduceOptions) shown.push(['', whole(panel, grafana, theme)]);
    for (const [place, { text, color }] of shown) {
      if (isGreen(color)) yield `green without data${place}`;
      if (color !== theme.visualization.getColorByName('orange') || text !== defaults.noValue) yield `without data${place}, it shows "${text}" in ${color}`;
    }
  }
  if (panel.type === 'table') {
    for (const [place, config] of configs.filter(([, each]) => COLOURED_CELLS.includes(each['custom.cellOptions']?.type))) {
      const ofLabel = grafana.getDisplayProcessor({ field: { type: 'string', config }, theme });
      const shown = [...NOTHING.map(display(config)), ...NO_LABEL.map(ofLabel)];
      if (shown.some(({ color }) => isGreen(color))) yield `green without data${place}`;
    }
  }
  // A value that stands for missing data is an alarm, or not a number.
  const red = theme.visualization.getColorByName('red');
  for (const { expr } of panel.targets) {
    for (const [, text] of expr.matchAll(MADE_UP)) {
      if (text !== 'NaN' && display(defaults)(Number(text)).color !== red) yield `it makes up the value ${text}, which is not red`;
    }
  }
  if (!/no data/i.test(defaults.noValue ?? '')) yield 'it does not say that there is no data';
}

/** The value that a figure shows if its queries return nothing at all. */
function whole(panel, grafana, theme) {
  const [{ display }] = grafana.getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text, theme, data: [],
  });
  return display;
}
