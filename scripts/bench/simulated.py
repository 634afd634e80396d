#!/usr/bin/env python3
"""Serves a made-up organisation on loopback, in a process of its own: the simulated platform of `bench-scrape` and `bench-refresh`.

Usage: simulated.py CLIENTS PAGE_SIZE (unchanged|changing)

All bodies are computed before the port is printed. With `changing`, each reading of the list, which begins with its first page, finds every
client with another `dateModified` and another description.
"""

import base64
import datetime
import http.server
import json
import sys
import threading
import urllib.parse

import organisation

TOKEN = "made-up-token"
SECRET = "made-up-secret"
CLIENTS = "/api/v2/oauth/clients"


class Answers:
    """The bodies by path and page, and how often the list of clients was read."""

    def __init__(self, number, size, changing):
        world = organisation.Organisation(number)
        named = {"id": organisation.ID, "name": "Made up"}
        own = {"id": organisation.OWN, "name": "Exporter", "organization": named}
        whole = lambda value: [json.dumps(value).encode()]
        listing = lambda path, entities, size: (path, organisation.pages(path, entities, size))
        self.pages = dict(
            [
                ("/api/v2/tokens/me", whole({"organization": named, "homeOrganization": named, "authorizedScope": [], "OAuthClient": own})),
                ("/api/v2/organizations/me", whole(named)),
                ("/api/v2/oauth/scopes", whole({"entities": world.scopes, "total": len(world.scopes), "selfUri": "/api/v2/oauth/scopes"})),
                listing(CLIENTS, world.clients, size),
                listing("/api/v2/authorization/roles", world.roles, 100),
                listing("/api/v2/authorization/divisions", world.divisions, 100),
                listing("/api/v2/authorization/permissions", world.permissions, 100),
            ]
        )
        self.changing = changing
        self.readings = 0
        self.lock = threading.Lock()

    def body(self, path, number):
        bodies = self.pages.get(path)
        if bodies is None or not 1 <= number <= len(bodies):
            return None
        if path != CLIENTS or not self.changing:
            return bodies[number - 1]
        with self.lock:
            if number == 1:
                self.readings += 1
            reading = self.readings
        modified = datetime.datetime(2025, 5, 6, 7, 8, 9) + datetime.timedelta(seconds=reading)
        body = bodies[number - 1].replace(organisation.MODIFIED, modified.strftime("%Y-%m-%dT%H:%M:%SZ").encode())
        return body.replace(organisation.REVISION, b"revision %07d" % reading)


class Platform(http.server.BaseHTTPRequestHandler):
    """Authenticates, and answers with the bodies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    basic = "Basic " + base64.b64encode(f"{organisation.OWN}:{SECRET}".encode()).decode()

    def do_GET(self):
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, b'{"code":"bad.credentials","status":401,"message":"Invalid login credentials."}')
        url = urllib.parse.urlsplit(self.path)
        number = urllib.parse.parse_qs(url.query).get("pageNumber", ["1"])[0]
        body = self.server.answers.body(url.path, int(number))
        return self.answer(200, body) if body else self.answer(404, b'{"code":"not.found","status":404,"message":"not found"}')

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/oauth/token" or self.headers.get("Authorization") != self.basic:
            return self.answer(400, b'{"error":"invalid_client","error_description":"authentication failed"}')
        return self.answer(200, json.dumps({"access_token": TOKEN, "token_type": "bearer", "expires_in": 86400}).encode())

    def answer(self, status, body):
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ("unchanged", "changing"):
        raise SystemExit(__doc__)
    server = Server(("127.0.0.1", 0), Platform)
    server.answers = Answers(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "changing")
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
