"""Copies a bucket to a folder or back with obstore: 64 requests in flight, large objects
by ranges of 32 MiB, eight of them at a time.

    obstore_copy.py down|up ENDPOINT BUCKET FOLDER
"""
import asyncio
import os
import sys

import obstore
from obstore.store import S3Store

IN_FLIGHT = 64
LARGE = 8 << 20
RANGE = 32 << 20
RANGES = 8

way, endpoint, bucket, folder = sys.argv[1:]
store = S3Store(bucket, endpoint=endpoint, client_options={"allow_http": True})


async def piece(key, file, start, end, turn):
    async with turn:
        content = await obstore.get_range_async(store, key, start=start, end=end)
        os.pwrite(file, content, start)


async def down(item, turn, ranges):
    path = os.path.join(folder, item["path"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    size = item["size"]
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        if size > LARGE:
            starts = range(0, size, RANGE)
            await asyncio.gather(
                *(piece(item["path"], file, at, min(at + RANGE, size), ranges) for at in starts)
            )
        else:
            async with turn:
                answer = await obstore.get_async(store, item["path"])
                os.write(file, await answer.bytes_async())
    finally:
        os.close(file)


async def up(path, turn, ranges):
    key = os.path.relpath(path, folder)
    async with turn:
        if os.path.getsize(path) > LARGE:
            with open(path, "rb") as body:
                await obstore.put_async(store, key, body, max_concurrency=RANGES)
        else:
            with open(path, "rb") as body:
                await obstore.put_async(store, key, body.read())


async def main():
    turn, ranges = asyncio.Semaphore(IN_FLIGHT), asyncio.Semaphore(RANGES)
    if way == "down":
        pages = obstore.list(store, chunk_size=1000)
        work = [down(item, turn, ranges) async for page in pages for item in page]
    else:
        paths = (os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
        work = [up(path, turn, ranges) for path in paths]
    await asyncio.gather(*work)


asyncio.run(main())
