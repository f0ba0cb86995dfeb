"""Talks Swift for tests (python-swiftclient), so that the product's own client is never
its own witness.

Reads one request a line (JSON) on stdin, followed by `length` raw bytes; answers one
line (JSON) on stdout, followed by `length` raw bytes.
"""

import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from swiftclient import Connection
from swiftclient.service import SwiftService, SwiftUploadObject

KEYSTONE = json.loads(os.environ.get("SWIFT_KEYSTONE", "null"))
AUTH, USER, KEY = (os.environ[name] for name in ("SWIFT_AUTH", "SWIFT_USER", "SWIFT_KEY"))


def connection():
    if not KEYSTONE:
        return Connection(AUTH, USER, KEY, retries=0)
    options = {
        "user_domain_name": KEYSTONE["domain"],
        "project_id": KEYSTONE["project"],
        "region_name": KEYSTONE["region"],
    }
    return Connection(AUTH, USER, KEY, retries=0, auth_version="3", os_options=options)


swift = connection()


def create_container(request, body):
    swift.put_container(request["container"], headers=request.get("headers"))


def put(request, body):
    kind = request.get("content_type")
    swift.put_object(request["container"], request["key"], body, content_type=kind)


def put_many(request, body):
    """`objects` is [[key, size], ...]; the bodies follow one another."""
    jobs, start = [], 0
    for key, size in request["objects"]:
        jobs.append((key, body[start : start + size]))
        start += size

    def work(jobs):
        own = connection()
        for key, content in jobs:
            own.put_object(request["container"], key, content)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [jobs[first::8] for first in range(8)]))


def put_large(request, body):
    """In segments, with a static or a dynamic manifest, as `swift upload` does it."""
    options = {
        "auth_version": "1.0",
        "auth": AUTH,
        "user": USER,
        "key": KEY,
        "segment_size": request["segment_size"],
        "use_slo": request["static"],
    }
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        what = SwiftUploadObject(file.name, object_name=request["key"])
        with SwiftService(options=options) as service:
            for done in service.upload(request["container"], [what]):
                if not done["success"]:
                    raise done["error"]


def listing(request, body):
    found = swift.get_container(request["container"], full_listing=True)[1]
    return {"objects": [[one["name"], one["bytes"]] for one in found]}


def get(request, body):
    return swift.get_object(request["container"], request["key"])[1]


def head(request, body):
    return {"headers": dict(swift.head_object(request["container"], request["key"]))}


def delete(request, body):
    swift.delete_object(request["container"], request["key"])


WORDS = {
    "create_container": create_container,
    "put": put,
    "put_many": put_many,
    "put_large": put_large,
    "list": listing,
    "get": get,
    "head": head,
    "delete": delete,
}

while line := sys.stdin.buffer.readline():
    request = json.loads(line)
    body = sys.stdin.buffer.read(request["length"])
    content = b""
    try:
        answer = WORDS[request["word"]](request, body) or {}
        if isinstance(answer, bytes):
            answer, content = {}, answer
    except Exception as error:
        answer = {"error": str(error)}
    answer["length"] = len(content)
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)
    sys.stdout.buffer.flush()
