"""Tells Keystone who there is. Reads one JSON object on stdin, answers one on stdout.

`before`, with the password of Swift's own user: makes that user.
`after`: makes a domain, a project, its users, and puts Swift into the catalogue.
"""

import json
import sys
import urllib.request

wanted = json.load(sys.stdin)
base = wanted["keystone"] + "/v3"
token = None


def ask(method, path, body=None):
    request = urllib.request.Request(base + path, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("X-Auth-Token", token)
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, data, timeout=60) as answer:
        text = answer.read()
        return json.loads(text) if text else {}, answer.headers


def make(kind, **what):
    return ask("POST", f"/{kind}s", {kind: what})[0][kind]["id"]


domain = {"name": "Default"}
user = {"name": "admin", "password": "admin", "domain": domain}
login = {"identity": {"methods": ["password"], "password": {"user": user}}}
login["scope"] = {"project": {"name": "admin", "domain": domain}}
token = ask("POST", "/auth/tokens", {"auth": login})[1]["X-Subject-Token"]
roles = {role["name"]: role["id"] for role in ask("GET", "/roles")[0]["roles"]}


def member(name, password, domain, project, role):
    user = make("user", name=name, password=password, domain_id=domain, default_project_id=project)
    ask("PUT", f"/projects/{project}/users/{user}/roles/{roles[role]}")


if wanted["when"] == "before":
    project = make("project", name="service", domain_id="default")
    member("swift", wanted["password"], "default", project, "admin")
    service = make("service", type="identity", name="keystone")
    for interface in ("internal", "public"):
        make("endpoint", service_id=service, interface=interface, region_id="dallas", url=base)
    print("{}")
else:
    domain = make("domain", name=wanted["domain"])
    project = make("project", name="training", domain_id=domain)
    for name, password, role in wanted["users"]:
        member(name, password, domain, project, role)
    service = make("service", type="object-store", name="swift")
    for region, url in wanted["endpoints"]:
        if region != "dallas":
            make("region", id=region)
        url += "/v1/AUTH_$(project_id)s"
        make("endpoint", service_id=service, interface="public", region_id=region, url=url)
    print(json.dumps({"project": project}))
