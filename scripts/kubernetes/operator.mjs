// Validates resources of the Prometheus Operator with the operator's own schemas: a JSON list on stdin, one problem per line on stdout.
//
// The package's validators accept unknown fields. So does the operator in a cluster, where unknown fields are dropped silently. This script
// therefore compares the fields with the package's types. promtool checks the rules, because it is strict (scripts/kubernetes/check.py).
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const tools = createRequire(join(process.cwd(), "package.json"));
const folder = join(dirname(tools.resolve("@kubernetes-models/prometheus-operator/package.json")), "monitoring.coreos.com", "v1");
const { PrometheusRule, ServiceMonitor } = await import(pathToFileURL(join(folder, "index.js")));
const kinds = { PrometheusRule, ServiceMonitor };

/** The fields of a type and of the types that it extends. */
function fields(type) {
  const names = readdirSync(folder).filter((name) => new RegExp(`^(${type})\\.d\\.ts$`).test(name));
  return new Set(names.flatMap((name) => [...readFileSync(join(folder, name), "utf8").matchAll(/^ {4}"(\w+)"\??:/gm)].map((m) => m[1])));
}

const unknown = (value, known, where) =>
  Object.keys(value).filter((field) => !known.has(field)).map((field) => `${where}: unknown field ${field}`);

const problems = [];
for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  const name = `${resource.kind} ${resource.metadata?.name}`;
  if (!kinds[resource.kind]) {
    problems.push(`${name}: this script cannot validate the kind`);
    continue;
  }
  try {
    new kinds[resource.kind](resource).validate();
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
  if (resource.kind === "ServiceMonitor") {
    problems.push(...unknown(resource.spec, fields("ServiceMonitorSpec"), name));
    for (const endpoint of resource.spec.endpoints ?? []) {
      problems.push(...unknown(endpoint, fields("Endpoint|HTTPConfig.*"), `${name}, endpoint`));
      for (const relabeling of endpoint.relabelings ?? []) {
        problems.push(...unknown(relabeling, fields("RelabelConfig"), `${name}, relabeling`));
      }
    }
  }
}
for (const problem of problems) console.log(problem);
