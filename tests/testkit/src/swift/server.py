"""OpenStack Swift on one machine, for tests: proxy, account, container and object
server in one process, each the real one, with one replica and no daemons.

    server.py DIR

DIR holds the proxy's configuration as `proxy.conf`, in which `%(dir)s` is DIR. One line
on stdout tells the proxy's port.
"""

import eventlet
from eventlet.green import socket
from swift.common import utils
from swift.common.utils import logs

utils.eventlet_monkey_patch()

def use_hub(*hub, really=eventlet.hubs.use_hub):
    """Each server sets the hub of its process; here one is for all of them."""
    if not hasattr(eventlet.hubs._threadlocal, "hub"):
        really(*hub)


eventlet.hubs.use_hub = use_hub
# What they have to say goes to stderr, and not only to a syslog that may not be there.
logs.get_swift_logger.console_handler4logger = {}

import os
import sys

from swift.common import storage_policy
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_server

STORAGE = """
[DEFAULT]
devices = {dir}/srv
mount_check = false
disable_fallocate = true
swift_dir = {dir}
log_name = {name}
log_level = WARNING
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

root = sys.argv[1]
os.makedirs(f"{root}/srv/d1")
with open(f"{root}/swift.conf", "w") as conf:
    conf.write("[swift-hash]\nswift_hash_path_suffix = testkit\n")
utils.set_swift_dir(root)
utils.validate_hash_conf()
storage_policy.reload_storage_policies()


def listener():
    held = socket.socket()
    held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held.bind(("127.0.0.1", 0))
    held.listen(1024)
    return held


def serve(name, conf, sock, ready=None):
    path = f"{root}/{name}-server.conf"
    with open(path, "w") as file:
        file.write(conf)
    conf = {"__file__": path, "eventlet_debug": "false"}
    logger = utils.get_logger({"log_level": "WARNING"}, name)
    eventlet.spawn(run_server, conf, logger, sock, {"log_name": name}, ready)


for name in ("account", "container", "object"):
    sock = listener()
    builder = RingBuilder(2, 1, 0)
    device = {"id": 0, "region": 1, "zone": 1, "device": "d1", "weight": 1, "meta": ""}
    address = {"ip": "127.0.0.1", "port": sock.getsockname()[1]}
    builder.add_dev({**device, **address})
    builder.rebalance()
    builder.get_ring().save(f"{root}/{name}.ring.gz")
    serve(name, STORAGE.format(dir=root, name=name), sock)

sock = listener()


def ready():
    print(sock.getsockname()[1], flush=True)


with open(f"{root}/proxy.conf") as conf:
    serve("proxy", conf.read() % {"dir": root}, sock, ready)
while True:
    eventlet.sleep(3600)
