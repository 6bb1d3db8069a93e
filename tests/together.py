"""Doing things at the same moment: in threads, each with its own application context."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event, Thread

from backend.database import db


def together(app, calls):
    """Run all calls at once, each in its own thread and application context; their results in order."""
    start = Barrier(len(calls))

    def run(call):
        with app.app_context():
            start.wait(timeout=10)
            return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


@contextmanager
def meanwhile(app, *works):
    """Each of these over and over until the block ends, one that returns False no more; gives their threads.

    A work that raises ends its thread.
    """
    stop = Event()

    def in_a_loop(work):
        with app.app_context():
            while not stop.is_set():
                if work() is False:
                    stop.wait()
                db.session.remove()

    threads = [Thread(target=in_a_loop, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.set()
        for thread in threads:
            thread.join()
