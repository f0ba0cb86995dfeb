"""OpenStack Keystone for tests, in one process on a database of its own (SQLite).

    keystone.py DIR make    makes DIR: configuration, keys, database, the user `admin`
    keystone.py DIR         serves it; one line on stdout tells the port
"""

import os
import sys

from cryptography.fernet import Fernet

root, make = sys.argv[1], sys.argv[2:] == ["make"]
CONF = f"{root}/keystone.conf"
with open(CONF, "w") as conf:
    conf.write(f"""
[database]
connection = sqlite:///{root}/keystone.db
[fernet_tokens]
key_repository = {root}/keys
[fernet_receipts]
key_repository = {root}/keys
[credential]
key_repository = {root}/keys
[identity]
password_hash_rounds = 4
[cache]
enabled = false
""")

if make:
    from keystone.cmd import cli

    os.makedirs(f"{root}/keys", mode=0o700)
    for number in range(2):
        with open(f"{root}/keys/{number}", "wb") as key:
            key.write(Fernet.generate_key())
    if os.fork() == 0:
        # Its options can be read once in the life of a process.
        cli.main(["keystone-manage", "--config-file", CONF, "db_sync"])
        sys.exit()
    if os.wait()[1]:
        sys.exit("no database")
    words = ["bootstrap", "--bootstrap-password", "admin", "--bootstrap-region-id", "dallas"]
    cli.main(["keystone-manage", "--config-file", CONF, *words])
    sys.exit()

import socket

os.environ["OS_KEYSTONE_CONFIG_FILES"] = CONF
sys.argv = sys.argv[:1]

from keystone.server.wsgi import initialize_public_application
from waitress import create_server

held = socket.socket()
held.bind(("127.0.0.1", 0))
held.listen(128)
application = initialize_public_application()
server = create_server(application, sockets=[held], threads=4)
print(held.getsockname()[1], flush=True)
server.run()
