"""A made-up organisation in the format of the platform: its clients, roles, divisions, scopes and permissions.

It knows nothing of the exporter. The records follow the vendor's documentation, with every field of a client except its secret, and
have about 1.1 kB each. The same number of clients always yields the same organisation.
"""

import json
import os
import random
import uuid

# The client with whose credentials the exporters authenticate.
OWN = "11111111-0000-4000-8000-000000000000"
ID = str(uuid.UUID(int=1))
# What an entire change replaces in each client: texts of the same length.
MODIFIED = b"2025-05-06T07:08:09Z"
REVISION = b"revision 0000000"

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "src", "simulator", "data")
DOMAINS_OF_NO_DIVISION = ("authorization", "oauth", "integrations", "telephony", "usage", "audits")
# Per 1,000 clients, 60 % of which have roles.
ROLES, DIVISIONS = 8, 20
AT_LEAST = 8
PURPOSES = ("reporting", "agent desktop", "workforce planning", "CRM synchronisation", "call recording export", "chat bot", "provisioning")


def lines(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return file.read().split()


class Organisation:
    """Lists of records."""

    def __init__(self, number):
        chance = self.chance = random.Random(number)
        self.known_scopes, known = lines("scopes.txt"), lines("permissions.txt")
        share = lambda per_thousand: max(AT_LEAST, number * per_thousand // 1000)
        self.users = [self.new_id() for _ in range(40)]
        self.scopes = [{"id": scope, "description": f"Access to {scope}", "selfUri": f"/api/v2/oauth/scopes/{scope}"} for scope in self.known_scopes]
        self.divisions = [
            {"id": self.new_id(), "name": f"Division {n}", "description": "", "homeDivision": n == 0} for n in range(share(DIVISIONS))
        ]
        self.roles = [self.role(n, chance.sample(known, 40)) for n in range(share(ROLES))]
        self.permissions = self.registry(known)
        self.clients = [self.own()] + [self.client(n) for n in range(1, number)]

    def new_id(self):
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def role(self, n, permissions):
        def policy(permission):
            domain, entity, action = permission.split(":")
            return {"domain": domain, "entityName": entity, "actionSet": [action], "allowConditions": False}

        new = self.new_id()
        return {
            "id": new,
            "name": f"Role {n}",
            "description": "Permissions of an integration",
            "permissions": [],
            "permissionPolicies": [policy(permission) for permission in permissions],
            "roleNeedsUpdate": False,
            "base": False,
            "default": False,
            "selfUri": f"/api/v2/authorization/roles/{new}",
        }

    def registry(self, known):
        domains = {}
        for permission in known:
            domain, entity, action = permission.split(":")
            entry = {"domain": domain, "entityType": entity, "action": action, "divisionAware": domain not in DOMAINS_OF_NO_DIVISION}
            domains.setdefault(domain, {}).setdefault(entity, []).append(entry)
        return [{"domain": domain, "permissionMap": entities} for domain, entities in domains.items()]

    def own(self):
        return self.record(OWN, "Exporter", [], [{"roleId": self.roles[0]["id"], "divisionId": "*"}], [])

    def client(self, n):
        """60 % use client credentials and have one to four roles; the others act for users and have up to twelve scopes."""
        chance = self.chance
        name = f"{chance.choice(PURPOSES)} {n:06}"
        if chance.random() < 0.6:
            divisions = [division["id"] for division in chance.sample(self.divisions, 2)] + ["*"]
            roles = chance.sample(self.roles, chance.randint(1, 4))
            return self.record(self.new_id(), name, [], [{"roleId": role["id"], "divisionId": chance.choice(divisions)} for role in roles], [])
        scopes = chance.sample(self.known_scopes, chance.randint(1, 12))
        return self.record(self.new_id(), name, scopes, [], [f"https://application-{n}.example.com/oauth/callback"])

    def record(self, client, name, scopes, grants, redirects):
        user = lambda: (lambda id: {"id": id, "selfUri": f"/api/v2/users/{id}"})(self.chance.choice(self.users))
        return {
            "id": client,
            "name": name,
            "description": f"Used by a service of the department that its name says, on two hosts with a common secret store. "
            f"Owner: team-{self.chance.randint(1, 40)}@example.com, see also the inventory of integrations. Entry {REVISION.decode()}",
            "accessTokenValiditySeconds": 86400,
            "registeredRedirectUri": redirects,
            "roleIds": [grant["roleId"] for grant in grants],
            "dateCreated": "2024-02-01T10:20:30.123Z",
            "dateModified": MODIFIED.decode(),
            "createdBy": user(),
            "modifiedBy": user(),
            "authorizedGrantType": "CODE" if redirects else "CLIENT-CREDENTIALS",
            "scope": scopes,
            "roleDivisions": grants,
            "state": "active",
            "selfUri": f"/api/v2/oauth/clients/{client}",
        }


def pages(path, entities, size):
    """The bodies of a listing in pages of this size."""
    count = max(1, -(-len(entities) // size))
    bodies = []
    for number in range(1, count + 1):
        body = {
            "entities": entities[(number - 1) * size : number * size],
            "pageSize": size,
            "pageNumber": number,
            "total": len(entities),
            "pageCount": count,
            "firstUri": f"{path}?pageSize={size}&pageNumber=1",
            "lastUri": f"{path}?pageSize={size}&pageNumber={count}",
            "selfUri": f"{path}?pageSize={size}&pageNumber={number}",
        }
        if number < count:
            body["nextUri"] = f"{path}?pageSize={size}&pageNumber={number + 1}"
        bodies.append(json.dumps(body, separators=(",", ":")).encode())
    return bodies
