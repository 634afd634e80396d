// Loads Grafana's packages, which scripts/check-dashboards installs, and lists panels. There are no checks here.

import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const tools = fileURLToPath(new URL('../../target/tools/dashboards/', import.meta.url));
const require = createRequire(join(tools, 'package.json'));

/** `@grafana/data` is written for browsers and needs these globals while it loads. */
export function grafanaData() {
  const { JSDOM } = require('jsdom');
  const { window } = new JSDOM('', { url: 'http://localhost' });
  for (const name of ['window', 'document', 'navigator', 'localStorage']) {
    const value = name === 'window' ? window : window[name];
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return require('@grafana/data');
}

/** A validator for each named type of types.ts. The JSON Schemas are generated from `@grafana/schema`. */
export function validators(names) {
  const { createGenerator } = require('ts-json-schema-generator');
  const Ajv = require('ajv').default;
  const tsconfig = join(tools, 'tsconfig.json');
  const compilerOptions = { module: 'esnext', moduleResolution: 'node', skipLibCheck: true, strict: true, types: [] };
  // types.ts is copied to the folder of the packages, so that its imports are resolved.
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  const generator = createGenerator({ path: join(tools, 'types.ts'), tsconfig, type: '*', skipTypeCheck: false, additionalProperties: false });
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  return Object.fromEntries(names.map((name) => [name, ajv.compile(generator.createSchema(name))]));
}

/** Every panel of a dashboard, rows included. The panels of a closed row are inside it. */
export const panelsOf = ({ panels }) => panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
