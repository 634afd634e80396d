// Validates resources of the Prometheus Operator by the operator's own schemas: a JSON list on stdin, one problem a line on stdout.
//
// The package's validators let unknown fields pass, as the operator's definitions in a cluster do, which drop them in silence. The fields
// are therefore compared with the package's types, and the rules are read by promtool, which is strict (scripts/kubernetes/check.py).
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const tools = createRequire(join(process.cwd(), "package.json"));
const folder = join(dirname(tools.resolve("@kubernetes-models/prometheus-operator/package.json")), "monitoring.coreos.com", "v1");
const { PrometheusRule, ServiceMonitor } = await import(pathToFileURL(join(folder, "index.js")));
const kinds = { PrometheusRule, ServiceMonitor };

/** The fields of a type, with those of the types that it extends. */
function fields(type) {
  const names = readdirSync(folder).filter((name) => new RegExp(`^(${type})\\.d\\.ts$`).test(name));
  return new Set(names.flatMap((name) => [...readFileSync(join(folder, name), "utf8").matchAll(/^ {4}"(\w+)"\??:/gm)].map((m) => m[1])));
}

const unknown = (value, known, where) =>
  Object.keys(value).filter((field) => !known.has(field)).map((field) => `${where}: there is no field ${field}`);

const problems = [];
for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  const name = `${resource.kind} ${resource.metadata?.name}`;
  if (!kinds[resource.kind]) {
    problems.push(`${name}: not a kind that is known here`);
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
