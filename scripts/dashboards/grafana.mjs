// Grafana's own packages, from where scripts/check-dashboards installed them. No rules here.

import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const tools = fileURLToPath(new URL('../../target/tools/dashboards/', import.meta.url));
const require = createRequire(join(tools, 'package.json'));

/** `@grafana/data` is written for browsers and looks at these while it is loaded. */
export function grafanaData() {
  const { JSDOM } = require('jsdom');
  const { window } = new JSDOM('', { url: 'http://localhost' });
  for (const name of ['window', 'document', 'navigator', 'localStorage']) {
    const value = name === 'window' ? window : window[name];
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return require('@grafana/data');
}

/** A validator for each type that types.ts exports, by a JSON Schema that is made of `@grafana/schema`. */
export function validators(names) {
  const { createGenerator } = require('ts-json-schema-generator');
  const Ajv = require('ajv').default;
  const tsconfig = join(tools, 'tsconfig.json');
  const compilerOptions = { module: 'esnext', moduleResolution: 'node', skipLibCheck: true, strict: true, types: [] };
  // types.ts is copied beside the packages, where its imports are found.
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  const generator = createGenerator({ path: join(tools, 'types.ts'), tsconfig, type: '*', skipTypeCheck: false, additionalProperties: false });
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  return Object.fromEntries(names.map((name) => [name, ajv.compile(generator.createSchema(name))]));
}
