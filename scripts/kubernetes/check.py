"""Builds every overlay of ROOT/deploy/kubernetes and prints the problems in it, one on each line.

Usage: check.py ROOT. Needs `kubectl`, `node` and `promtool` in PATH. NODE_TOOLS is the folder in which scripts/kubernetes/package.json is
installed.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

# The oldest version to support, and the newest one that the validator has schemas for.
API_VERSIONS = ["1.29", "1.37"]
OPERATOR = "monitoring.coreos.com/"
APP = {"app.kubernetes.io/name": "genesyscloud-oauth-exporter"}


def run(arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, check=False, **options)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Overlay:
    """The resources that kustomize builds from an overlay, by kind."""

    def __init__(self, text):
        self.resources = [resource for resource in yaml.safe_load_all(text) if resource]

    def all(self, *kinds):
        return [resource for resource in self.resources if resource["kind"] in kinds]

    def only(self, kind):
        found = self.all(kind)
        return found[0] if len(found) == 1 else None

    def workload(self):
        found = self.all("StatefulSet", "Deployment")
        return found[0] if len(found) == 1 else None


def api(overlay):
    """Validates with the schemas of the Kubernetes API. An unknown field is a problem."""
    for resource in overlay.resources:
        # `kubectl apply` stores the resource in an annotation. Annotations are limited to 256 KiB in total.
        if len(json.dumps(resource)) > 256 * 1024:
            yield f"{resource['kind']} {resource['metadata']['name']} is too large for kubectl apply"
        if resource["apiVersion"].startswith(OPERATOR):
            continue
        for version in API_VERSIONS:
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except Exception as error:  # the package raises several types without a common base
                where = "/".join(str(step) for step in getattr(error, "path", []))
                yield f"{resource['kind']} {resource['metadata']['name']}, API {version}: {where} {getattr(error, 'message', error)}"


def operator(overlay):
    """Validates with the Prometheus Operator's schemas, and the rules with promtool."""
    theirs = [resource for resource in overlay.resources if resource["apiVersion"].startswith(OPERATOR)]
    if not theirs:
        return
    result = run(["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "operator.mjs")],
                 input=json.dumps(theirs), cwd=os.environ["NODE_TOOLS"])
    yield from result.stdout.splitlines()
    if result.returncode:
        yield result.stderr
    for rule in overlay.all("PrometheusRule"):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump(rule["spec"], file)
            file.flush()
            result = run(["promtool", "check", "rules", file.name])
        if result.returncode:
            yield f"promtool: {result.stderr.strip()}"


def derived(overlay, root):
    """The PrometheusRule and the ConfigMaps have exactly the rules of alerts/ and the dashboards of dashboards/."""
    groups = []
    for path in sorted(glob.glob(f"{root}/alerts/*.yml")):
        groups.extend((yaml.safe_load(read(path)) or {}).get("groups", []))
    rule = overlay.only("PrometheusRule")
    if not groups or rule is None or rule["spec"]["groups"] != groups:
        yield "the PrometheusRule differs from alerts/*.yml; run scripts/generate-kubernetes"
    shown = {}
    for config_map in overlay.all("ConfigMap"):
        if (config_map["metadata"].get("labels") or {}).get("grafana_dashboard") == "1":
            shown.update(config_map["data"])
    there = {os.path.basename(path): read(path) for path in glob.glob(f"{root}/dashboards/*.json")}
    if not there or shown != there:
        differing = sorted(name for name in shown.keys() | there.keys() if shown.get(name) != there.get(name))
        yield f"the ConfigMaps of dashboards differ from dashboards/*.json: {differing}; see dashboards/kustomization.yaml"
    monitor, service = overlay.only("ServiceMonitor"), overlay.only("Service")
    jobs = set(re.findall(r'job="([^"]+)"', json.dumps(groups).replace('\\"', '"')))
    if monitor and service:
        endpoint = monitor["spec"]["endpoints"][0]
        named = {r.get("replacement") for r in endpoint.get("relabelings", []) if r.get("targetLabel") == "job"}
        if named != jobs:
            yield f"the ServiceMonitor calls the job {named}, but the alerts select {jobs}"
        if not monitor["spec"]["selector"]["matchLabels"].items() <= (service["metadata"].get("labels") or {}).items():
            yield "the ServiceMonitor does not select the Service"
        if endpoint.get("honorLabels") is not True:
            yield "the exporter's label `endpoint` is renamed without honorLabels"
        if endpoint["port"] not in [port["name"] for port in service["spec"]["ports"]]:
            yield f"the Service has no port {endpoint['port']}"
    else:
        yield "a ServiceMonitor or a Service is missing"


def connected(overlay, app=None, given=frozenset(), clients=1, further=frozenset(), state=True):
    """Labels, ports, ConfigMaps and volumes that one resource refers to exist in another.

    `app` selects the pods, `given` are ConfigMaps that exist elsewhere, `clients` is the number of admitted clients, `further` are ports to
    which connections are allowed in addition, and with `state` a StatefulSet has a volume.
    """
    app = app or APP
    workload = overlay.workload()
    if workload is None:
        yield "neither a StatefulSet nor a Deployment"
        return
    pod = workload["spec"]["template"]
    labels = pod["metadata"]["labels"]
    container = pod["spec"]["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    policy, budget, service = (overlay.only(kind) for kind in ("NetworkPolicy", "PodDisruptionBudget", "Service"))
    if not (policy and budget and service):
        yield "a NetworkPolicy, a PodDisruptionBudget or a Service is missing"
        return
    selectors = {
        "workload": workload["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": policy["spec"]["podSelector"].get("matchLabels"),
        "PodDisruptionBudget": budget["spec"]["selector"].get("matchLabels"),
        "Service": service["spec"].get("selector"),
    }
    for name, selector in selectors.items():
        if selector != app or not selector.items() <= labels.items():
            yield f"{name}: selects {selector}, but the pods have {labels}"
    targets = {port["targetPort"] for port in service["spec"]["ports"]}
    targets |= {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    targets |= {probe["httpGet"]["port"] for name, probe in container.items() if name.endswith("Probe") and "httpGet" in probe}
    if targets != ports:
        yield f"ports are called {targets}, but the container has {ports}"
    if not {"livenessProbe", "readinessProbe", "startupProbe"} <= container.keys():
        yield "a probe is missing"
    admitted = [source["podSelector"]["matchLabels"] for rule in policy["spec"]["ingress"] for source in rule["from"]]
    if admitted[:1] != [{"app.kubernetes.io/name": "prometheus"}] or len(admitted) != clients:
        yield f"the NetworkPolicy admits {admitted}, not only Prometheus"
    leaving = {port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [{"port": "any"}])}
    if leaving != {53, 443} | further:
        yield f"the NetworkPolicy allows connections to {leaving}, not only to 53 and 443"
    made = {resource["metadata"]["name"] for resource in overlay.all("ConfigMap")} | given
    named = {source["configMapRef"]["name"] for source in container.get("envFrom", []) if "configMapRef" in source}
    sources = [source for volume in pod["spec"].get("volumes", []) for source in volume.get("projected", {}).get("sources", [volume])]
    named |= {source["configMap"]["name"] for source in sources if "configMap" in source and not source["configMap"].get("optional")}
    if not named <= made:
        yield f"the ConfigMaps {named - made} do not exist"
    claims = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    if (workload["kind"] == "StatefulSet" and state) != bool(claims):
        yield f"a {workload['kind']} with the volume claims {claims}"
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])} | claims
    mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
    if volumes != mounts:
        yield f"the pod has the volumes {volumes}, but mounts {mounts}"
    namespaces = {resource["metadata"].get("namespace") for resource in overlay.resources if resource["kind"] != "Namespace"}
    if len(namespaces) != 1 or overlay.all("Namespace") and namespaces != {overlay.only("Namespace")["metadata"]["name"]}:
        yield f"resources are in the namespaces {namespaces}"


def closed(overlay):
    """The pod meets the Pod Security Standard `restricted` and further limits; the manifests contain no secret."""
    workload = overlay.workload()
    if workload is None:
        return
    spec = workload["spec"]["template"]["spec"]
    pod, container = spec.get("securityContext", {}), spec["containers"][0]
    own = container.get("securityContext", {})
    demands = {
        "automountServiceAccountToken": spec.get("automountServiceAccountToken") is False,
        "enableServiceLinks": spec.get("enableServiceLinks") is False,
        "runAsNonRoot": pod.get("runAsNonRoot") is True,
        "runAsUser": pod.get("runAsUser") == 65532,
        "seccompProfile": pod.get("seccompProfile") == {"type": "RuntimeDefault"},
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
        "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
        "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
        "host": not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(),
        "limits": "memory" in container["resources"]["limits"] and {"cpu", "memory"} <= container["resources"]["requests"].keys(),
        "image by tag": re.fullmatch(r".+(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})", container["image"]) is not None,
    }
    yield from (f"the pod violates: {name}" for name, met in demands.items() if not met)
    if overlay.all("Secret"):
        yield "the overlay contains a Secret"
    settings = [(variable["name"], variable.get("value")) for variable in container.get("env", [])]
    settings += [item for config_map in overlay.all("ConfigMap") for item in config_map["data"].items()]
    yield from (f"{name}: contains a secret in plain text" for name, value in settings if name.endswith("_SECRET") and value is not None)


def problems(root):
    overlays = sorted(glob.glob(f"{root}/deploy/kubernetes/overlays/*/"))
    if not overlays:
        yield f"{root}: no overlays"
    for folder in overlays:
        name = os.path.basename(folder.rstrip("/"))
        built = run(["kubectl", "kustomize", folder])
        if built.returncode:
            yield f"{name}: {built.stderr.strip()}"
            continue
        overlay = Overlay(built.stdout)
        checks = [api(overlay), operator(overlay), connected(overlay), closed(overlay)]
        if name != "demo":
            checks.append(derived(overlay, root))
        for check in checks:
            yield from (f"{name}: {problem}" for problem in check)


if __name__ == "__main__":
    found = list(problems(sys.argv[1]))
    for problem in found:
        print(problem)
    sys.exit(bool(found))
