"""Doing things at the same moment: threads that start on one signal, each with its own application context."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def together(app, calls):
    """Run all calls at once, each in its own thread and application context; their results in order."""
    start = Barrier(len(calls))

    def run(call):
        with app.app_context():
            start.wait(timeout=10)
            return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]
