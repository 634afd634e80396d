"""Compares what the chart makes of deploy/helm/ci/standard.yaml with the kustomize overlay `standard`."""

import re
from fnmatch import fnmatchcase

# Where they may differ, and why. `*` is any text within a step.
ALLOWED = {
    "*/metadata/labels": "Helm's own labels",
    "*/metadata/namespace": "the release is installed into another namespace",
    "StatefulSet/spec/template/spec/containers/0/imagePullPolicy": "a value of the chart",
    "StatefulSet/spec/template/spec/containers/0/env/GENESYSCLOUD_OAUTH_EXPORTER_CONFIG_AUTO_RELOAD_INTERVAL":
        "kustomize replaces the pod if a file changes; the chart does not make the files",
    "StatefulSet/spec/template/spec/volumes/files/configMap": "optional in kustomize, whose base has no settings; named in the chart",
    "ConfigMap:*/metadata/name": "the chart's names begin with the release",
}
# Made by kustomize only: the namespace, and the ConfigMaps of settings (variables in the chart) and files (which exist in the chart).
OTHERS = {"Namespace", "ConfigMap:genesyscloud-oauth-exporter", "ConfigMap:genesyscloud-oauth-exporter-files"}
INSTANCE = "app.kubernetes.io/instance"


def without_hash(name):
    return re.sub(r"-[a-z0-9]{10}$", "", name)


def key(resource):
    """A name that both have: a dashboard has that of its file."""
    if resource["kind"] != "ConfigMap":
        return resource["kind"]
    files = list(resource["data"])
    return f"ConfigMap:{files[0] if len(files) == 1 and files[0].endswith('.json') else without_hash(resource['metadata']['name'])}"


def plain(value):
    """Without the label that distinguishes releases; lists of named objects become objects, because their order has no meaning."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items() if name != INSTANCE}
    if isinstance(value, list):
        names = [entry["name"] for entry in value if isinstance(entry, dict) and "name" in entry]
        if len(set(names)) == len(value) > 1:
            return {entry["name"]: plain(entry) for entry in value}
        return {str(index): plain(entry) for index, entry in enumerate(value)}
    return value


def with_settings(found):
    """Copies the ConfigMap of settings into the variables of the container."""
    for resource in found:
        if resource["kind"] == "StatefulSet":
            container = resource["spec"]["template"]["spec"]["containers"][0]
            for source in container.pop("envFrom", []):
                data = next(other["data"] for other in found
                            if other["kind"] == "ConfigMap" and other["metadata"]["name"] == source["configMapRef"]["name"])
                container["env"] += [{"name": name, "value": value} for name, value in data.items()]
    return {key(resource): plain(resource) for resource in found}


def matches(path, pattern):
    steps, parts = path.split("/"), pattern.split("/")
    return len(steps) >= len(parts) and all(fnmatchcase(step, part) for step, part in zip(steps, parts))


def differences(ours, theirs, path=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(name), theirs.get(name), f"{path}/{name}" if path else name)
    elif ours != theirs:
        yield path, ours, theirs


def compare(chart, overlay):
    """The differences that are not allowed, and the permissions that nothing needs."""
    ours, theirs = with_settings(chart), with_settings(overlay)
    needed = set()
    for path, one, other in differences(ours, {name: resource for name, resource in theirs.items() if name not in OTHERS}):
        allowing = [pattern for pattern in ALLOWED if matches(path, pattern)]
        needed.update(allowing)
        if not allowing:
            yield f"{path}: {str(one)[:200]!r} in the chart, {str(other)[:200]!r} in kustomize"
    yield from (f"the permission {pattern} is not needed any more" for pattern in ALLOWED.keys() - needed)
    yield from (f"kustomize makes no {name} any more" for name in OTHERS - theirs.keys())
