"""Damages copies of the manifests, one edit at a time, and fails if check.py does not report one of the edits.

Usage: damaged.py ROOT, with the environment of check.py. Each damage is a mistake that a person could make.
"""

import os
import shutil
import sys
import tempfile

from check import problems, read

BASE, MONITORING, OVERLAYS = "deploy/kubernetes/base", "deploy/kubernetes/monitoring", "deploy/kubernetes/overlays"
# The file, the text in it, the text that replaces it, and a part of the problem that the check must report.
DAMAGES = [
    (f"{BASE}/statefulset.yaml", "replicas: 1", "replicas: one", "StatefulSet"),
    (f"{BASE}/statefulset.yaml", "periodSeconds: 2", "periodSecond: 2", "periodSecond"),
    (f"{BASE}/statefulset.yaml", "path: /-/healthy, port: http", "path: /-/healthy, port: web", "ports are called"),
    (f"{BASE}/statefulset.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"),
    (f"{BASE}/statefulset.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"),
    (f"{BASE}/statefulset.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "automount"),
    (f"{BASE}/statefulset.yaml", "limits: {memory: 256Mi}", "limits: {}", "limits"),
    (f"{BASE}/statefulset.yaml", "GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE\n", "GENESYSCLOUD_OAUTHCLIENT_SECRET\n", "plain text"),
    (f"{BASE}/statefulset.yaml", "            - name: files\n              mountPath", "            - name: file\n              mountPath", "volumes"),
    (f"{BASE}/network-policy.yaml", "name: prometheus", "name: grafana", "not only Prometheus"),
    (f"{BASE}/network-policy.yaml", "port: 443", "port: 80", "not only to 53 and 443"),
    (f"{BASE}/network-policy.yaml", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: genesyscloud-oauth-exporter",
     "  podSelector: {}", "NetworkPolicy: selects"),
    (f"{BASE}/pod-disruption-budget.yaml", "maxUnavailable: 1", "maxUnavailble: 1", "PodDisruptionBudget"),
    (f"{BASE}/service.yaml", "targetPort: http", "targetPort: metrics", "ports are called"),
    (f"{BASE}/kustomization.yaml", "  - network-policy.yaml\n", "", "is missing"),
    (f"{MONITORING}/service-monitor.yaml", "replacement: genesyscloud-oauth\n", "replacement: exporter\n", "calls the job"),
    (f"{MONITORING}/service-monitor.yaml", "honorLabels: true", "honorLabels: false", "honorLabels"),
    (f"{MONITORING}/service-monitor.yaml", "scrapeTimeout", "scrapeTimeOut", "scrapeTimeOut"),
    (f"{MONITORING}/service-monitor.yaml", "- port: http", "- port: [http]", "ServiceMonitor"),
    (f"{MONITORING}/prometheus-rule.yaml", "severity: critical", "severity: info", "differs from alerts"),
    (f"{MONITORING}/prometheus-rule.yaml", "for: 10m", "fro: 10m", "promtool"),
    ("alerts/health.yml", "for: 10m", "for: 11m", "differs from alerts"),
    ("dashboards/kustomization.yaml", "  - name: genesys-oauth-overview\n    files: [genesys-oauth-overview.json]\n", "", "dashboards differ"),
    ("dashboards/genesys-oauth-overview.json", '"panels": [', '"panels":' + " " * 300_000 + "[", "too large"),
    ("dashboards/kustomization.yaml", 'grafana_dashboard: "1"', 'grafana_dashboard: "0"', "dashboards differ"),
    (f"{OVERLAYS}/standard/kustomization.yaml", "namespace: genesyscloud-oauth-exporter\n", "", "resources are in"),
    (f"{OVERLAYS}/standard/kustomization.yaml", "newTag: 0.1.0", "newTag: latest", "image by tag"),
    (f"{OVERLAYS}/stateless/deployment.yaml", "value: Deployment", "value: StatefulSet", "a StatefulSet with"),
    (f"{OVERLAYS}/stateless/without-state.yaml", "serviceName: null", "serviceNam: null", "stateless: "),
    (f"{OVERLAYS}/demo/demo.yaml", "$patch: delete\n      volumes", "name: secret\n      volumes", "demo: "),
]


def main(root):
    silent = []
    for path, there, then, said in DAMAGES:
        with tempfile.TemporaryDirectory() as copy:
            for folder in ("deploy", "alerts", "dashboards"):
                shutil.copytree(os.path.join(root, folder), os.path.join(copy, folder))
            text = read(os.path.join(copy, path))
            if there not in text:
                silent.append(f"{path} does not contain {there!r}: this damage changes nothing")
                continue
            with open(os.path.join(copy, path), "w", encoding="utf-8") as file:
                file.write(text.replace(there, then))
            # Stop at the first problem that matches.
            if not any(said in problem for problem in problems(copy)):
                silent.append(f"{path}: {there!r} became {then!r}, but the check does not report {said!r}: {list(problems(copy))}")
    for problem in silent:
        print(problem)
    print(f"{len(DAMAGES) - len(silent)} of {len(DAMAGES)} damages are reported")
    return bool(silent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
