"""A site small enough to test the supervisor with; it takes the environment that the supervisor takes.

Each of its programs writes what happens to it into a diary beside the data folder.
"""

import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from backend.supervisor import __main__ as supervisor  # noqa: E402
from backend.supervisor import plan as plans  # noqa: E402

PREPARE = """
import os, sys
with open(sys.argv[1], "a") as diary:
    print("prepare", os.environ["DATABASE_URL"], os.environ["REDIS_URL"], file=diary)
sys.exit(int(sys.argv[2]))
"""
SERVICE = """
import http.server, os, signal, sys, threading
name = sys.argv[2]

def note(what):
    with open(sys.argv[1], "a") as diary:
        print(name, what, os.getpid(), file=diary)

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *what):
        pass

# Waited for, not handled: what comes before the wait begins ends it too.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if name == "web":
    server = http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
note("starts")
signal.sigwait({signal.SIGTERM})
note("stops")
"""


def _stand_in(environment):
    real = plans.plan(environment)
    diary = str(real.folder.parent / "diary")
    code = environment.get("PREPARE_EXIT_CODE", "0")
    return replace(
        real,
        prepare=replace(real.prepare, argv=(sys.executable, "-c", PREPARE, diary, code)),
        services=tuple(
            replace(service, argv=(sys.executable, "-c", SERVICE, diary, name))
            for service, name in zip(real.services, ("web", "clock", "worker"), strict=True)
        ),
    )


if __name__ == "__main__":
    sys.exit(supervisor.main(_stand_in))
