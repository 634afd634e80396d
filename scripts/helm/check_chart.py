"""Checks the chart in deploy/helm and prints the problems: see scripts/check-helm.

Usage: check_chart.py PROGRAM, from the root of the repository. NODE_TOOLS is as for scripts/kubernetes/check.py, HELM is a program of Helm 3.
"""

import copy
import glob
import json
import os
import re
import subprocess
import sys
import tarfile

import yaml

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kubernetes"))
import accepted
import check as kubernetes
import compared
import engines
from refused import REFUSED

VALUES = f"{engines.CHART}/ci"
DOCUMENT = "docs/deployment/helm.md"
APP = {**kubernetes.APP, "app.kubernetes.io/instance": engines.RELEASE}


def overlay_of(resources):
    overlay = kubernetes.Overlay("")
    overlay.resources = resources
    return overlay


def connected(overlay, values):
    """As for kustomize, with what these values name outside of the chart."""
    policy = values.get("networkPolicy", {})
    given = {values.get("files", {}).get("existingConfigMap"), *(volume.get("configMap", {}).get("name") for volume in values.get("extraVolumes", []))}
    further = {port["port"] for rule in policy.get("extraEgress", []) for port in rule["ports"]}
    if policy.get("enabled") is False:
        return []
    return kubernetes.connected(overlay, APP, given, 1 + len(policy.get("extraIngress", [])), further, state=values.get("persistence", {}).get("enabled", True))


def rendered_problems(program, values):
    resources, notes = engines.rendered(values)
    yield from (f"lint: {problem}" for problem in engines.lint(values))
    if engines.sorted_resources(engines.resources(engines.with_helm_3(values))) != resources:
        yield "Helm 3 and Helm 4 make different manifests"
    overlay = overlay_of(resources)
    yield from kubernetes.api(overlay)
    yield from kubernetes.operator(overlay)
    yield from kubernetes.closed(overlay)
    yield from connected(overlay, values)
    if all(values.get(part, {}).get("enabled", True) for part in ("prometheusRule", "dashboards", "serviceMonitor")):
        yield from kubernetes.derived(overlay, ".")
    said = accepted.check(program, values, copy.deepcopy(resources))
    if said:
        yield f"the program refuses the configuration: {said}"
    if "<no value>" in notes or "example.com" in str(resources) + notes:
        yield "the notes or the manifests have a placeholder"
    if values.get("web", {}).get("tls", True) and values.get("web", {}).get("existingSecret") and "https" not in notes:
        yield "the notes name the wrong scheme"


def damaged(program):
    """The checks above see damage: each is a copy of the values with a mistake that the schema cannot see."""
    several = engines.read(f"{VALUES}/several.yaml")
    wrong = copy.deepcopy(several)
    wrong["organisations"][0]["interval"] = "5x"
    yield "an interval that is none", wrong, "the program refuses"
    wrong = copy.deepcopy(several)
    wrong["serviceMonitor"]["tlsConfig"]["cert"] = {"secret": {"nam": "a"}}
    yield "an unknown field of the operator", wrong, "ServiceMonitor"
    wrong = copy.deepcopy(several)
    wrong["securityContext"] = {"readOnlyRootFilesystem": False}
    yield "a root file system that can be written", wrong, "readOnlyRootFilesystem"
    wrong = copy.deepcopy(several)
    wrong["tolerations"] = [{"key": "a", "opreator": "Exists"}]
    yield "an unknown field of the API", wrong, "opreator"


def refused():
    for values, part in REFUSED:
        for render in (engines.with_helm_4, engines.with_helm_3):
            try:
                render(values)
                yield f"{render.__name__}: these wrong values are accepted: {values}"
            except engines.Refused as error:
                if part not in str(error):
                    yield f"{render.__name__}: {values}: does not say {part!r}: {error}"


def undocumented(schema, values, path=""):
    """Keys of the schema that values.yaml does not have."""
    for key, part in schema.get("properties", {}).items():
        name = f"{path}{key}"
        if key not in values:
            if name != "global":
                yield f"values.yaml has no {name}"
        elif part.get("additionalProperties") is False and name not in ("settings", "defaults", "resources", "serviceMonitor.basicAuth"):
            yield from undocumented(part, values[key], f"{name}.")


def rules():
    """Rules of the user's own take the place of the chart's; the alerts of the chart are the program's."""
    own = "groups:\n  - name: own\n    rules:\n      - {record: a, expr: vector(1)}\n"
    values = {**engines.read(f"{VALUES}/standard.yaml"), "prometheusRule": {"rules": own}}
    groups = [resource["spec"]["groups"] for resource in engines.rendered(values)[0] if resource["kind"] == "PrometheusRule"]
    if groups != [[{"name": "own", "rules": [{"record": "a", "expr": "vector(1)"}]}]]:
        yield f"prometheusRule.rules has no effect: {groups}"


def restarts():
    """A change of an organisation replaces the pods only if they do not read it themselves."""
    for interval, expected in (("30s", False), ("0s", True), (None, True)):
        pods = []
        for changed in ("1h", "2h"):
            values = engines.read(f"{VALUES}/several.yaml")
            values["settings"]["config.auto-reload-interval"] = interval
            values["organisations"][1]["interval"] = changed
            pods.append([r["spec"]["template"] for r in engines.rendered(values)[0] if r["kind"] == "StatefulSet"])
        if (pods[0] != pods[1]) != expected:
            yield f"config.auto-reload-interval {interval}: whether a change replaces the pods is {not expected}"


def names():
    """Two releases in a namespace have no resource in common, and the longest name is allowed."""
    values = engines.read(f"{VALUES}/several.yaml")
    kinds = [{(r["kind"], r["metadata"]["name"]) for r in engines.rendered(values, release)[0]} for release in ("a", "b", "x" * 53)]
    yield from (f"two releases both have {name}" for name in kinds[0] & kinds[1])
    # The pods have a label with this name and a hash of 10 characters, and labels are limited to 63.
    yield from (f"the StatefulSet's name {name} is too long" for kind, name in kinds[2] if kind == "StatefulSet" and len(name) > 52)


def versions(chart):
    with open("Cargo.toml", encoding="utf-8") as file:
        version = re.search(r'^version = "(.+)"', file.read(), re.MULTILINE)[1]
    if (chart["version"], chart["appVersion"]) != (version, version):
        yield f"Chart.yaml has another version than Cargo.toml: {version}"


def examples():
    """The values in the documents."""
    with open(DOCUMENT, encoding="utf-8") as file:
        blocks = re.findall(r"^```yaml\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    return {f"{DOCUMENT}, example {number}": yaml.safe_load(block) for number, block in enumerate(blocks, 1)}


def comparison(chart, overlay):
    """The comparison sees a difference in each of these."""
    damages = {
        "StatefulSet": lambda found: found["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].update(periodSeconds=11),
        "Service": lambda found: found["spec"]["ports"][0].update(port=9848),
        "NetworkPolicy": lambda found: found["spec"]["egress"][0]["ports"].pop(),
        "PodDisruptionBudget": lambda found: found["spec"].update(maxUnavailable=0),
        "ServiceMonitor": lambda found: found["spec"]["endpoints"][0].update(interval="61s"),
        "PrometheusRule": lambda found: found["spec"]["groups"][0]["rules"].pop(),
    }
    for kind, damage in damages.items():
        copied = copy.deepcopy(chart)
        damage(next(resource for resource in copied if resource["kind"] == kind))
        if not any(problem.startswith(kind) for problem in compared.compare(copied, copy.deepcopy(overlay))):
            yield f"the comparison does not see a difference of the {kind}"


def packaged():
    """The archive of the chart has the notices, names the image of the release, and otherwise makes the same."""
    image = "registry.internal/audit/exporter"
    made = subprocess.run(["scripts/package-chart", image], capture_output=True, text=True, check=False)
    if made.returncode:
        yield f"scripts/package-chart fails: {made.stderr}"
        return
    archive = made.stdout.strip()
    with tarfile.open(archive) as file:
        contents = {name.partition("/")[2]: file.extractfile(name).read() for name in file.getnames()}
    for name in ("LICENSE", "THIRD-PARTY-NOTICES"):
        with open(name, "rb") as file:
            if contents.get(name) != file.read():
                yield f"the archive of the chart lacks {name}"
    yield from (f"the archive of the chart contains {name}" for name in contents if name.startswith("ci/"))
    values = engines.read(f"{VALUES}/standard.yaml")
    here, there = (engines.rendered(values, chart=chart)[0] for chart in (engines.CHART, archive))
    if f'"{image}:' not in json.dumps(there):
        yield "the archive of the chart names another image"
    if json.dumps(there).replace(image, "genesyscloud-oauth-exporter") != json.dumps(here):
        yield "the archive of the chart makes other manifests"


def problems(program):
    files = sorted(glob.glob(f"{VALUES}/*.yaml"))
    if len(files) < 5:
        yield f"{VALUES} has only {files}"
    cases = {path: engines.read(path) for path in files} | examples()
    for name, values in cases.items():
        yield from (f"{name}: {problem}" for problem in rendered_problems(program, values))
    yield from (f"lint without values: {problem}" for problem in engines.lint({}))
    built = subprocess.run(["kubectl", "kustomize", "deploy/kubernetes/overlays/standard"], capture_output=True, text=True, check=True)
    standard = engines.rendered(engines.read(f"{VALUES}/standard.yaml"))[0]
    overlay = engines.resources(built.stdout)
    yield from comparison(standard, overlay)
    yield from compared.compare(standard, overlay)
    for name, values, part in damaged(program):
        if not any(part in problem for problem in rendered_problems(program, values)):
            yield f"no check sees {name}"
    yield from refused()
    yield from undocumented(engines.read(f"{engines.CHART}/values.schema.json"), engines.read(f"{engines.CHART}/values.yaml"))
    yield from rules()
    yield from restarts()
    yield from names()
    yield from packaged()
    yield from versions(engines.read(f"{engines.CHART}/Chart.yaml"))


if __name__ == "__main__":
    found = list(problems(sys.argv[1]))
    for problem in found:
        print(problem)
    if not found:
        print(f"the chart is valid with Helm 3 and Helm {engines.helm.helm_sdk_version()}, and {len(REFUSED)} wrong values are refused")
    sys.exit(bool(found))
