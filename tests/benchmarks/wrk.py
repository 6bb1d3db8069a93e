"""wrk, where it is installed: a load generator of others that ours is held to."""

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.bench_site import CONNECTIONS
from tests.benchmarks.floors import FloorError

_RATE = re.compile(r"^Requests/sec:\s+([0-9.]+)", re.MULTILINE)
_WRONG = re.compile(r"^\s*(Non-2xx or 3xx responses|Socket errors):.*", re.MULTILINE)
_POST = """
wrk.method = "POST"
wrk.body = "{}"
wrk.headers["Content-Type"] = "application/json"
"""


def is_there() -> bool:
    """Whether there is a wrk to run."""
    return shutil.which("wrk") is not None


def version() -> str:
    """What it calls itself."""
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])


def posts_a_second(port: int, *, seconds: float) -> float:
    """Answers a second to an empty POST, by one thread over as many connections as our own generator has.

    Raises FloorError where one of them was not the expected one.
    """
    with TemporaryDirectory(prefix="tanhui-wrk-") as folder:
        script = Path(folder, "post.lua")
        script.write_text(_POST, encoding="utf-8")
        argv = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "-s", str(script)]
        done = subprocess.run([*argv, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=False)
    rate, wrong = _RATE.search(done.stdout), _WRONG.search(done.stdout)
    if done.returncode != 0 or rate is None or wrong:
        raise FloorError(f"wrk failed:\n{wrong[0] if wrong else done.stderr[-2000:]}")
    return float(rate[1])
