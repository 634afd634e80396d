"""Renders and lints the chart with two releases of Helm: the library of Helm 4 in helm-python-sdk, and the program of Helm 3 in HELM."""

import json
import os
import subprocess
import tempfile

import helm_python as helm
import yaml

helm.disable_logging()
CHART = "deploy/helm"
RELEASE, NAMESPACE = "genesyscloud-oauth-exporter", "audit"


class Refused(Exception):
    """Helm refuses the values, and says why."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file) or {}


def lint(values):
    """What Helm 4 says against the chart with these values; notes are left out."""
    # Lint goes on where a template fails on purpose, and its library then writes to stderr.
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        report = helm.lint(CHART, values, strict=True, namespace=NAMESPACE)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
    return report["errors"] + [message["error"] for message in report["messages"] if message["severity"] > 1]


def with_helm_4(values, release=RELEASE, chart=CHART):
    """The text of all manifests, by the path of the template."""
    try:
        with helm.Chart.load(chart) as loaded:
            loaded.validate_schema(values)
            return loaded.render(values, name=release, namespace=NAMESPACE)
    except helm.HelmError as error:
        raise Refused(str(error)) from error


def with_helm_3(values, release=RELEASE):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        command = [os.environ["HELM"], "template", release, CHART, "--namespace", NAMESPACE, "--values", file.name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Refused(result.stderr)
    return result.stdout


def resources(text):
    return [resource for resource in yaml.safe_load_all(text) if resource]


def sorted_resources(found):
    return sorted(found, key=lambda resource: (resource["kind"], resource["metadata"]["name"]))


def rendered(values, release=RELEASE, chart=CHART):
    """The resources that Helm 4 makes, and the notes."""
    texts = with_helm_4(values, release, chart)
    notes = next(text for path, text in texts.items() if path.endswith("NOTES.txt"))
    manifests = [text for path, text in sorted(texts.items()) if path.endswith(".yaml")]
    return sorted_resources([resource for text in manifests for resource in resources(text)]), notes
