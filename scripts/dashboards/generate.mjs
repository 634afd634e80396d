// Writes the dashboards to FOLDER, by default to dashboards/: node scripts/dashboards/generate.mjs [FOLDER]

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import changes from './changes.mjs';
import clients from './clients.mjs';
import exporter from './exporter.mjs';
import overview from './overview.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../dashboards', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const dashboard of [overview, clients, changes, exporter]) {
  writeFileSync(join(folder, `${dashboard.uid}.json`), `${JSON.stringify(dashboard, null, 2)}\n`);
}
