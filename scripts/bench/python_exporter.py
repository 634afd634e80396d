#!/usr/bin/env python3
"""An exporter like the scripts of older guides, for a comparison: `prometheus_client`, one token, plain loops.

Usage: python_exporter.py PORT API_URL SECONDS

It audits on a timer, with so many seconds between two audits, and a scrape renders what the last audit has set. It reads the clients page by page, compares the
scopes of each with a list of dangerous ones, and sets gauges with labels. It sees no roles, and has no state, no policy and no retries.
"""

import base64
import json
import sys
import time
import urllib.request

from prometheus_client import Gauge, start_http_server

import organisation
import simulated

DANGEROUS = [
    "oauth", "authorization", "organization", "organization-authorization", "users", "identity-providers", "scim", "integrations",
    "architect", "recordings", "user-recordings", "gdpr", "external-contacts", "telephony", "routing", "outbound", "conversations", "upload",
]

INFO = Gauge("genesys_oauth_client_info", "A client.", ["client_id", "name", "grant_type", "state"])
SCOPES = Gauge("genesys_oauth_client_scopes", "Number of scopes of a client.", ["client_id", "name"])
SCOPE = Gauge("genesys_oauth_client_scope", "A scope of a client.", ["client_id", "name", "scope"])
RISK = Gauge("genesys_oauth_client_dangerous_scopes", "Number of dangerous scopes of a client.", ["client_id", "name"])
DANGER = Gauge("genesys_oauth_client_dangerous_scope", "A dangerous scope of a client.", ["client_id", "name", "scope"])
LAST = Gauge("genesys_oauth_last_audit_timestamp_seconds", "Time of the last audit.")


def ask(url, **more):
    with urllib.request.urlopen(urllib.request.Request(url, **more)) as answer:
        return json.load(answer)


def clients(api):
    basic = base64.b64encode(f"{organisation.OWN}:{simulated.SECRET}".encode()).decode()
    answer = ask(f"{api}/oauth/token", data=b"grant_type=client_credentials", headers={"Authorization": f"Basic {basic}"})
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    path = simulated.CLIENTS
    while path:
        page = ask(api + path, headers=headers)
        yield from page["entities"]
        path = page.get("nextUri")


def audit(api):
    found = list(clients(api))
    for gauge in (INFO, SCOPES, SCOPE, RISK, DANGER):
        gauge.clear()
    for client in found:
        labels = client["id"], client["name"]
        INFO.labels(*labels, client["authorizedGrantType"], client["state"]).set(1)
        SCOPES.labels(*labels).set(len(client["scope"]))
        dangerous = [scope for scope in client["scope"] if scope in DANGEROUS]
        RISK.labels(*labels).set(len(dangerous))
        for scope in client["scope"]:
            SCOPE.labels(*labels, scope).set(1)
        for scope in dangerous:
            DANGER.labels(*labels, scope).set(1)
    LAST.set_to_current_time()


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    start_http_server(int(sys.argv[1]), addr="127.0.0.1")
    while True:
        audit(sys.argv[2].rstrip("/"))
        time.sleep(float(sys.argv[3]))


if __name__ == "__main__":
    main()
