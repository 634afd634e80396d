"""Validates examples/compose/ against the Compose schema and checks what its comments promise, without a container engine.

Usage: check_compose.py SCHEMA. It does not test whether the images of Prometheus, Alertmanager and Grafana start with this configuration.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import yaml

FOLDER = pathlib.Path("examples/compose")
wrong = []


def check(holds, what):
    if not holds:
        wrong.append(what)


def example_of_env(text):
    """The pairs of .env.example, including those that are commented out."""
    return dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE))


def interpolated(text, env):
    """Interpolates variables as Compose does; only for the form ${NAME:-default}, which the file uses."""
    check(not re.search(r"\$(?!\{[A-Z_]+:-[^}]*\})", text), "compose.yaml: a `$` that is not ${NAME:-default}")
    return re.sub(r"\$\{([A-Z_]+):-([^}]*)\}", lambda found: env.get(found[1]) or found[2], text)


def mounts(service):
    """Source, target and mode of each volume."""
    for volume in service.get("volumes", []):
        source, target, *mode = volume.split(":")
        yield source, target, mode


def check_service(name, service, volumes):
    image = service["image"]
    check(re.search(r":[^/:]+$", image) and not image.endswith(":latest"), f"{name}: {image} is not pinned")
    check(service.get("read_only") is True, f"{name}: the root file system is writable")
    check(service.get("cap_drop") == ["ALL"], f"{name}: keeps capabilities")
    check(service.get("security_opt") == ["no-new-privileges:true"], f"{name}: may gain privileges")
    for port in service.get("ports", []):
        check(str(port).startswith("127.0.0.1:"), f"{name}: port {port} is published beyond loopback")
    if name != "loopback":
        check(service.get("network_mode") == "service:loopback", f"{name}: is not in the shared namespace")
    for source, target, mode in mounts(service):
        if source in volumes:
            continue
        check((FOLDER / source).exists(), f"{name}: {source} for {target} does not exist")
        check(mode == ["ro"], f"{name}: {source} is not mounted read-only")


def laid_out(service, root):
    """Copies the files that a container of this service mounts to their targets under `root`."""
    for source, target, _ in mounts(service):
        if not (FOLDER / source).exists():
            continue
        copy = root / target.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (FOLDER / source).is_dir() else shutil.copy)(FOLDER / source, copy)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}")


def seen_inside(services):
    """Checks the configuration files at the paths inside the containers; returns the URLs of Grafana's data sources."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("prometheus", "alertmanager"):
            root = pathlib.Path(folder, name)
            laid_out(services[name], root)
            flag = "--config.file="
            file = next(word.removeprefix(flag) for word in services[name]["command"] if word.startswith(flag))
            tool = ("promtool", "check", "config") if name == "prometheus" else ("amtool", "check-config")
            run(*tool, str(root / file.lstrip("/")))
        root = pathlib.Path(folder, "grafana")
        laid_out(services["grafana"], root)
        home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        check((root / home.lstrip("/")).is_file(), f"grafana: there is no {home}")
        provisioning = root / "etc/grafana/provisioning"
        for file in provisioning.glob("dashboards/*.yml"):
            for provider in yaml.safe_load(file.read_text())["providers"]:
                path = root / provider["options"]["path"].lstrip("/")
                check(any(path.glob("*.json")), f"grafana: {file.name} names {path}, which has no dashboards")
        sources = [yaml.safe_load(file.read_text()) for file in provisioning.glob("datasources/*.yml")]
        check(sources, "grafana: no data source")
        return [source["url"] for file in sources for source in file["datasources"]]


def main():
    schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
    text = (FOLDER / "compose.yaml").read_text()
    example = example_of_env((FOLDER / ".env.example").read_text())
    for env in ({}, example):
        document = yaml.safe_load(interpolated(text, env))
        for error in jsonschema.Draft7Validator(schema).iter_errors(document):
            wrong.append(f"compose.yaml: {error.json_path}: {error.message}")
    names = set(re.findall(r"\$\{([A-Z_]+):-", text))
    check(names <= set(example), f".env.example lacks {names - set(example)}")
    settings = pathlib.Path("docs/configuration.md").read_text()
    for name in set(example) - names:
        check(name in settings, f".env.example: {name} is not a setting of docs/configuration.md")

    document = yaml.safe_load(interpolated(text, {}))
    services = document["services"]
    for name, service in services.items():
        check_service(name, service, document["volumes"])
    targets = [target for _, target, _ in mounts(services["exporter"])]
    check(example["GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE"] in targets, ".env.example: the secret has another path than its mount")

    # Each address that a program is configured to call must be a published port of the shared namespace.
    prometheus = yaml.safe_load(pathlib.Path("examples/monitoring/prometheus.yml").read_text())
    static = [job["static_configs"] for job in prometheus["scrape_configs"] + prometheus["alerting"]["alertmanagers"]]
    asked = [target for group in static for config in group for target in config["targets"]]
    asked += [url.removeprefix("http://") for url in seen_inside(services)]
    ports = {port.rpartition(":")[2] for port in services["loopback"]["ports"]}
    for address in asked:
        host, _, port = address.partition(":")
        check(host == "127.0.0.1" and port in ports, f"{address} is configured, but no service listens on it")
    for problem in wrong:
        print(f"compose: {problem}", file=sys.stderr)
    if not wrong:
        print(f"compose: {len(services)} services and {len(asked)} addresses are valid")
    return 1 if wrong else 0


sys.exit(main())
