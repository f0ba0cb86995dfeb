"""Talks S3 for tests, so that the product's own client is never its own witness.

Reads one request a line (JSON) on stdin, followed by `length` raw bytes; answers
one line (JSON) on stdout, followed by `length` raw bytes.
"""

import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_ENDPOINT"],
    aws_access_key_id=os.environ["S3_USER"],
    aws_secret_access_key=os.environ["S3_SECRET"],
    region_name="us-east-1",
    config=Config(
        s3={"addressing_style": "path"},
        retries={"max_attempts": 0},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=16,
        proxies={},
        request_checksum_calculation="when_required",
    ),
)


def create_bucket(request, body):
    s3.create_bucket(Bucket=request["bucket"])


def put(request, body):
    s3.put_object(Bucket=request["bucket"], Key=request["key"], Body=body)


def put_many(request, body):
    """`objects` is [[key, size], ...]; the bodies follow one another."""
    jobs, start = [], 0
    for key, size in request["objects"]:
        jobs.append((key, body[start : start + size]))
        start += size
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda job: s3.put_object(Bucket=request["bucket"], Key=job[0], Body=job[1]), jobs))


def put_multipart(request, body):
    where = {"Bucket": request["bucket"], "Key": request["key"]}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    size, parts = request["part_size"], []
    for number, start in enumerate(range(0, len(body), size), 1):
        done = s3.upload_part(**where, PartNumber=number, Body=body[start : start + size])
        parts.append({"PartNumber": number, "ETag": done["ETag"]})
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def get(request, body):
    return s3.get_object(Bucket=request["bucket"], Key=request["key"])["Body"].read()


def digest_of(bucket, key):
    content, total = hashlib.sha256(), 0
    for piece in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
        content.update(piece)
        total += len(piece)
    return [total, content.hexdigest()]


def digests(request, body):
    """Length and SHA-256 of each of `keys`, without holding a content whole."""
    with ThreadPoolExecutor(16) as pool:
        return {"digests": list(pool.map(lambda key: digest_of(request["bucket"], key), request["keys"]))}


def delete(request, body):
    s3.delete_object(Bucket=request["bucket"], Key=request["key"])


def list_objects(request, body):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=request["bucket"])
    return {"objects": [[o["Key"], o["Size"]] for page in pages for o in page.get("Contents", [])]}


def uploads(request, body):
    return {"objects": [[u["Key"], 0] for u in s3.list_multipart_uploads(Bucket=request["bucket"]).get("Uploads", [])]}


WORDS = {f.__name__: f for f in (create_bucket, put, put_many, put_multipart, get, digests, delete, list_objects, uploads)}

while line := sys.stdin.buffer.readline():
    request = json.loads(line)
    payload = sys.stdin.buffer.read(request.get("length", 0))
    answer, content = {}, b""
    try:
        result = WORDS[request["word"]](request, payload)
        if isinstance(result, bytes):
            content = result
        elif result:
            answer = result
    except Exception as error:  # told to the test, which decides
        answer = {"error": f"{type(error).__name__}: {error}"}
    answer["length"] = len(content)
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)
    sys.stdout.buffer.flush()
