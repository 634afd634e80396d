"""Values that the chart refuses: what is wrong, and a part of what Helm says."""

ONE = {"organisation": {"region": "eu-west-1"}}
ORGANISATION = {"org": "a", "client_id": "id", "region": "eu-west-1", "secret": {"name": "a"}}
SEVERAL = {"organisations": [ORGANISATION]}

# The values, and a part of the message.
REFUSED = [
    # Misspelled, at each depth.
    ({**ONE, "organizations": []}, "organizations"),
    ({**ONE, "replicas": 2}, "replicas"),
    ({"organisation": {"regoin": "eu-west-1"}}, "regoin"),
    ({"organisation": {"region": "eu-west-1", "clientSecret": "s3cr3t"}}, "clientSecret"),
    ({**ONE, "image": {"tags": "1"}}, "tags"),
    ({**ONE, "settings": {"refresh.intervall": "5m"}}, "refresh.intervall"),
    ({**ONE, "settings": {"web": {"external-url": "x"}}}, "web"),
    ({**ONE, "serviceMonitor": {"enable": True}}, "enable"),
    ({**ONE, "serviceMonitor": {"basicAuth": {"user": {}}}}, "user"),
    ({**ONE, "networkPolicy": {"prometheus": {"namespace": "monitoring"}}}, "namespace"),
    ({**ONE, "web": {"existingsecret": "a"}}, "existingsecret"),
    ({**ONE, "resources": {"limit": {}}}, "limit"),
    ({**ONE, "extraEnv": [{"nam": "A"}]}, "nam"),
    ({"organisations": [{**ORGANISATION, "intervall": "1h"}]}, "intervall"),
    ({**SEVERAL, "defaults": {"polcy_file": "a"}}, "polcy_file"),
    # A secret in the values, or none.
    ({"organisations": [{**ORGANISATION, "client_secret_file": "/a"}]}, "client_secret_file"),
    ({"organisations": [{**ORGANISATION, "client_secret": "s3cr3t"}]}, "client_secret"),
    ({"organisations": [{"org": "a"}]}, "secret"),
    ({"organisations": [{**ORGANISATION, "secret": {"key": "a"}}]}, "name"),
    ({"organisations": [{"secret": {"name": "a"}}]}, "org"),
    ({**SEVERAL, "defaults": {"org": "a"}}, "org"),
    # Set by the chart.
    ({**ONE, "settings": {"web.listen-address": ":1"}}, "web.listen-address"),
    ({**ONE, "settings": {"config.file": "/a"}}, "config.file"),
    # Of the wrong type or out of range.
    ({**SEVERAL, "shards": 0}, "shards"),
    ({**SEVERAL, "shards": "two"}, "shards"),
    ({**SEVERAL, "shards": 1.5}, "shards"),
    ({**ONE, "persistence": {"enabled": "yes"}}, "enabled"),
    ({**ONE, "persistence": {"accessModes": ["ReadWriteOnly"]}}, "accessModes"),
    ({**ONE, "web": {"existingSecret": "a", "probe": "tcp"}}, "probe"),
    ({**ONE, "image": {"digest": "sha256:12"}}, "digest"),
    ({**ONE, "files": {"existingConfigMap": "My Files"}}, "existingConfigMap"),
    ({**ONE, "files": {"existingConfigMap": "a", "policy": "../policy.toml/"}}, "policy"),
    ({**ONE, "serviceMonitor": {"interval": "often"}}, "interval"),
    ({**ONE, "settings": {"log.format": ["json"]}}, "log.format"),
    ({**ONE, "podLabels": {"a": 1}}, "podLabels"),
    # What excludes each other, and what is missing.
    ({}, "set organisation.region"),
    ({"organisation": {"apiUrl": "https://a"}}, "set organisation.region"),
    ({**ONE, **SEVERAL}, "exclude each other"),
    ({**SEVERAL, "demo": True}, "exclude each other"),
    ({**SEVERAL, "settings": {"refresh.interval": "5m"}}, "web.telemetry-path"),
    ({**SEVERAL, "files": {"existingConfigMap": "a", "policy": "p"}}, "files.policy"),
    ({"organisations": [ORGANISATION, {**ORGANISATION, "org": "a "}]}, "twice"),
    ({**ONE, "shards": 2}, "one organisation has one pod"),
    ({**ONE, "defaults": {"interval": "5m"}}, "defaults is for organisations"),
    ({**ONE, "files": {"policy": "policy.toml"}}, "existingConfigMap"),
    ({**ONE, "web": {"tlsSecret": "a"}}, "web.existingSecret"),
    ({**ONE, "prometheusRule": {"rules": "nothing: []"}}, "it has no groups"),
]
