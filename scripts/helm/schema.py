"""The schema of the chart's values. scripts/generate-helm writes it to deploy/helm/values.schema.json.

Not the values themselves, nor what they mean: deploy/helm/values.yaml. The names of settings come from the documents that the program's tests
compare with its code.
"""

import re

# Flags that the chart sets itself.
OWN = {
    "web.listen-address", "web.config.file", "policy.file", "baseline.file", "state.file", "state.dir", "config.file", "org", "env-file",
    "shard.total", "shard.index",
}
# Keys of the configuration file in whose place the chart has `secret`.
SECRETS = {"client_secret_file", "client_secret_env"}

TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1}
SWITCH = {"type": "boolean"}
# What the API server validates.
OBJECT = {"type": "object"}
OBJECTS = {"type": "array", "items": OBJECT}
LABELS = {"type": "object", "additionalProperties": TEXT}
RESOURCE = {"type": "string", "maxLength": 253, "pattern": r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"}
# A key of a ConfigMap or a Secret.
KEY = {"type": "string", "maxLength": 253, "pattern": r"^[-._a-zA-Z0-9]*$"}
DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|[smhdwy]))+$"}
SETTING = {"type": ["string", "number", "boolean"]}


def record(properties, **more):
    """An object without other keys."""
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


def flags(configuration):
    """The flags in docs/configuration.md, each with its meaning."""
    rows = re.findall(r"^\| `--([\w.-]+)` \|[^|]*\|[^|]*\| (.+) \|$", configuration, re.MULTILINE)
    return {flag: meaning.replace("`", "") for flag, meaning in rows}


def keys(organisations):
    """The keys in docs/organisations.md, each with the flag that it is the same as, or None."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", organisations, re.MULTILINE)
    flag = re.compile(r"`--([\w.-]+)`")
    return {key: (match[1] if (match := flag.search(meaning)) else None) for key, meaning in rows}


def schema(configuration, organisations):
    """The schema, from the texts of docs/configuration.md and docs/organisations.md."""
    meanings, of_organisation = flags(configuration), keys(organisations)
    settings = {flag: {**SETTING, "description": meaning} for flag, meaning in meanings.items() if flag not in OWN}
    of_process = sorted(set(settings) - set(of_organisation.values()))
    value = {"type": ["string", "integer", "boolean", "array"], "items": TEXT}
    default = {key: value for key in of_organisation if key not in SECRETS | {"org"}}
    organisation = record(
        {**default, "org": {"type": "string", "minLength": 1, "maxLength": 64}, "client_id": NAME,
         "secret": record({"name": {**RESOURCE, "minLength": 1}, "key": {**KEY, "minLength": 1}}, required=["name"])},
        required=["org", "secret"],
    )
    properties = {
        # Helm passes it to charts that are a dependency.
        "global": OBJECT,
        "image": record({"repository": NAME, "tag": {"type": "string", "pattern": r"^[\w.-]*$"},
                         "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
                         "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]}}),
        "imagePullSecrets": {"type": "array", "items": record({"name": NAME}, required=["name"])},
        "fullnameOverride": RESOURCE,
        "organisation": record({
            "org": {"type": "string", "minLength": 1, "maxLength": 64}, "region": TEXT, "apiUrl": TEXT, "loginUrl": TEXT,
            "secret": record({"name": RESOURCE, "clientIdKey": {**KEY, "minLength": 1}, "clientSecretKey": {**KEY, "minLength": 1}}),
        }),
        "organisations": {"type": "array", "items": organisation},
        "defaults": record(default),
        "shards": {"type": "integer", "minimum": 1, "maximum": 1000},
        "demo": SWITCH,
        "settings": record(settings),
        "files": record({"existingConfigMap": RESOURCE, "policy": KEY, "baseline": KEY}),
        "web": record({"existingSecret": RESOURCE, "configKey": {**KEY, "minLength": 1}, "tlsSecret": RESOURCE, "tls": SWITCH,
                       "probe": {"enum": ["exec", "httpGet"]}}),
        "persistence": record({"enabled": SWITCH, "size": NAME, "storageClassName": TEXT,
                               "accessModes": {"type": "array", "minItems": 1, "items": {
                                   "enum": ["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]}}}),
        "resources": record({"requests": OBJECT, "limits": OBJECT, "claims": OBJECTS}),
        "serviceMonitor": record({"enabled": SWITCH, "labels": LABELS, "interval": DURATION, "scrapeTimeout": DURATION,
                                  "tlsConfig": OBJECT,
                                  "basicAuth": record({"username": OBJECT, "password": OBJECT})}),
        "prometheusRule": record({"enabled": SWITCH, "labels": LABELS, "rules": TEXT}),
        "dashboards": record({"enabled": SWITCH, "labels": LABELS, "annotations": LABELS}),
        "networkPolicy": record({"enabled": SWITCH, "prometheus": record({"namespaceLabels": LABELS, "podLabels": LABELS}),
                                 "extraIngress": OBJECTS, "extraEgress": OBJECTS}),
        "podDisruptionBudget": record({"enabled": SWITCH}),
        "podSecurityContext": OBJECT,
        "securityContext": OBJECT,
        "extraArgs": {"type": "array", "items": TEXT},
        "extraEnv": {"type": "array", "items": record({"name": NAME, "value": TEXT, "valueFrom": OBJECT}, required=["name"])},
        "extraVolumes": OBJECTS,
        "extraVolumeMounts": OBJECTS,
        "serviceAccountName": RESOURCE,
        "podLabels": LABELS,
        "podAnnotations": LABELS,
        "nodeSelector": LABELS,
        "tolerations": OBJECTS,
        "affinity": OBJECT,
        "topologySpreadConstraints": OBJECTS,
        "priorityClassName": TEXT,
    }
    several = {
        "if": {"properties": {"organisations": {"minItems": 1}}, "required": ["organisations"]},
        "then": {"properties": {"settings": {"propertyNames": {"enum": of_process}}}},
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", **record(properties), **several}
