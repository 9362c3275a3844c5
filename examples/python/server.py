"""An instance in Python: it registers, renews every third of its lease, drains and releases. For threads; psycopg 3.

  pip install -r requirements.txt
  DATABASE_URL=postgres://... APP_VERSION=1 PORT=8080 python server.py
"""

import json
import os
import signal
import socket
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

USES = ["users.full_name" if os.environ.get("APP_VERSION") == "2" else "users.name"]
LEASE_S = int(os.environ.get("LEASE_MS", "30000")) / 1000
INSTANCE = os.environ.get("INSTANCE") or f"shop-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

stopping = threading.Event()
ready_until = 0.0  # By time.monotonic().
because = "the database has not answered yet"


def connect():
    """Every session of this process carries the name that is registered; 63 bytes are kept of it."""
    return psycopg.connect(
        os.environ["DATABASE_URL"],
        application_name=INSTANCE,
        autocommit=True,
        connect_timeout=5,
        options="-c statement_timeout=5s",
    )


def renew(session):
    try:
        return session.execute("select bellows.renew(%s)", [INSTANCE]).fetchone()[0]
    except psycopg.Error as error:
        if error.diag.message_detail != "instance_unknown":
            raise
    # Not registered yet, or released by mistake.
    register = "select bellows.register(%s, %s, %s, 'shop', current_setting('application_name'))"
    return session.execute(register, [INSTANCE, USES, round(LEASE_S * 1000)]).fetchone()[0]


def keep_registered():
    global ready_until, because
    was_registered = False
    while not stopping.is_set():
        # The lease runs at least from before the call.
        sent = time.monotonic()
        try:
            with connect() as session:
                answer = renew(session)
            was_registered = True
            behind = answer.get("not_ready")
            because = f"not filled and verified yet: {behind}" if behind else "the lease is over"
            ready_until = 0.0 if behind else sent + LEASE_S
        except psycopg.Error as error:
            because = str(error)
            if error.sqlstate == "BW003":
                ready_until = 0.0
                if was_registered:
                    print(because, file=sys.stderr)
                    stopping.set()
            # Else the database cannot be asked: what was true stays true until the lease is over.
        stopping.wait(LEASE_S / 3)


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        ready = time.monotonic() < ready_until
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"ok": ready, "because": [] if ready else [because]}).encode())

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Health)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"port": server.server_port}), flush=True)

keep_registered()
server.shutdown()
# Behind the last query of this process.
with connect() as session:
    session.execute("select bellows.release(%s)", [INSTANCE])
