"""Copies a bucket to a folder or back with boto3: 16 threads over the objects, and as
many for the parts of large ones.

    boto3_copy.py down|up ENDPOINT BUCKET FOLDER
"""
import concurrent.futures
import os
import sys

import boto3
import botocore.config
from boto3.s3.transfer import TransferConfig

THREADS = 16
LARGE = 8 << 20

way, endpoint, bucket, folder = sys.argv[1:]
config = botocore.config.Config(max_pool_connections=2 * THREADS, s3={"addressing_style": "path"})
client = boto3.client("s3", endpoint_url=endpoint, config=config)
transfer = TransferConfig(max_concurrency=THREADS, multipart_threshold=LARGE)


def down(item):
    path = os.path.join(folder, item["Key"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if item["Size"] > LARGE:
        client.download_file(bucket, item["Key"], path, Config=transfer)
    else:
        with open(path, "wb") as out:
            out.write(client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())


def up(path):
    key = os.path.relpath(path, folder)
    if os.path.getsize(path) > LARGE:
        client.upload_file(path, bucket, key, Config=transfer)
    else:
        with open(path, "rb") as body:
            client.put_object(Bucket=bucket, Key=key, Body=body.read())


if way == "down":
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    work = [item for page in pages for item in page.get("Contents", [])]
    step = down
else:
    work = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names]
    step = up
with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
    for done in pool.map(step, work):
        pass
