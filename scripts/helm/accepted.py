"""Runs `config check` of the real program with the variables, the files and the secrets that a rendered pod would have."""

import os
import re
import subprocess
import tempfile

SECRET = "simulated-client-secret"
POLICY = "[defaults]\nfail_on = \"high\"\n"
WEB = "basic_auth_users:\n  prometheus: $2y$10$yzcrrQCFnB5jm9BZgD8IdunbIeexXeJ.3J65MNMm9LG7mbDSJLyaO\n"


def parts_of(volume):
    """The ConfigMaps and Secrets in a volume, each with the files that it names, or None for all."""
    for source in volume.get("projected", {}).get("sources", [volume]):
        for kind, name_field in (("secret", "secretName"), ("configMap", "name")):
            if kind in source:
                part = source[kind]
                yield kind, part.get(name_field) or part["name"], part.get("items")


def files(values, made, volume):
    """The files of a volume. What the chart does not make gets a text that the program can read."""
    for _, name, items in parts_of(volume):
        if items is not None:
            yield from ((item["path"], SECRET) for item in items)
        elif name in made:
            yield from made[name].items()
        elif volume["name"] == "web":
            yield values["web"].get("configKey", "web-config.yml"), WEB
        else:
            stanzas = [values.get("defaults", {}), *values.get("organisations", [])]
            policies = {stanza.get("policy_file") for stanza in stanzas} | {values.get("files", {}).get("policy")}
            yield from ((policy, POLICY) for policy in policies if policy)


def check(program, values, resources):
    """What the program says against the configuration, or nothing."""
    workload = next(resource for resource in resources if resource["kind"] == "StatefulSet")
    made = {resource["metadata"]["name"]: resource["data"] for resource in resources if resource["kind"] == "ConfigMap"}
    spec = workload["spec"]["template"]["spec"]
    container = spec["containers"][0]
    if container["args"][0] == "demo":
        return ""
    folders = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", [])}
    with tempfile.TemporaryDirectory() as root:
        def there(text):
            return re.sub("/(run/secrets|etc|var/lib)/", rf"{root}\g<0>", text)

        for folder in folders.values():
            os.makedirs(root + folder)
        for volume in spec.get("volumes", []):
            for path, text in files(values, made, volume):
                path = root + os.path.join(folders[volume["name"]], path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(there(text))
                os.chmod(path, 0o400)
        environment = {"PATH": os.environ["PATH"]}
        for variable in container["env"]:
            source = variable.get("valueFrom")
            if source is None:
                environment[variable["name"]] = there(variable["value"])
            elif "fieldRef" in source:
                environment[variable["name"]] = f"{workload['metadata']['name']}-{workload['spec']['replicas'] - 1}"
            elif variable["name"].startswith("GENESYS"):
                environment[variable["name"]] = "5e1f0000-0000-4000-8000-000000009847"
        environment.pop("SSL_CERT_FILE", None)
        result = subprocess.run([program, "config", "check", *container["args"][1:]], env=environment, capture_output=True, text=True, check=False)
    said = (result.stdout + result.stderr).replace(root, "")
    unknown = [line for line in said.splitlines() if "no setting has that name" in line]
    return said.strip() if result.returncode or unknown else ""
