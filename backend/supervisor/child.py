"""One program of the site, restarted when it dies."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

import click

from .plan import Program
from .signals import Signals

_PR_SET_PDEATHSIG = 1
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 30.0
_HEALTHY_SECONDS = 10.0  # whoever has lived so long was at work: it is started again at once
_LIBC = ctypes.CDLL(None)


class Child:
    """A program in a process group of its own, so that Ctrl-C reaches it through us only, in order."""

    def __init__(self, program: Program, environment: Mapping[str, str]) -> None:
        self.program = program
        self._environment = environment
        self._delay = 0.0
        self._restart_at: float | None = None
        self._start()

    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def tend(self) -> None:
        """Start it again if it has died: at once, or later each time that it dies soon."""
        if self.exit_code() is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._clear_remains()
            self._delay = _next_delay(self._delay, lived=now - self._started_at)
            click.echo(f"{self.program.name} {_ending(self._process.returncode)}: starting it again.", err=True)
            self._restart_at = now + self._delay
        if now >= self._restart_at:
            self._start()

    def stop(self, signals: Signals) -> None:
        """Return once it has gone: asked first, made to after its time or when we are asked to stop again."""
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self.program.stop_seconds
        while self.exit_code() is None and time.monotonic() < deadline:
            if signals.wait(min(1.0, max(0.0, deadline - time.monotonic()))):
                break
        self._clear_remains()
        self._process.wait()

    def describe_end(self) -> str:
        """That it has ended and how, for a sentence."""
        return f"{self.program.name} {_ending(self._process.wait())}"

    def _start(self) -> None:
        self._restart_at = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  the plan is ours
            self.program.argv,
            env=dict(self._environment),
            process_group=0,
            preexec_fn=end_with_parent,  # noqa: PLW1509  the supervisor has no threads
        )

    def _send(self, number: signal.Signals) -> None:
        if self.exit_code() is None:
            self._process.send_signal(number)

    def _clear_remains(self) -> None:
        """Kill what is left of the group: workers of a master that was killed still hold its port."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _next_delay(last: float, *, lived: float) -> float:
    if lived > _HEALTHY_SECONDS:
        return 0.0
    return min(max(last * 2, _FIRST_DELAY_SECONDS), _LONGEST_DELAY_SECONDS)


def end_with_parent() -> None:
    """Have the kernel ask this process to stop should its parent be killed; for `preexec_fn`, Linux only."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _ending(exit_code: int) -> str:
    if exit_code < 0:
        return f"was ended by signal {-exit_code}"
    return f"ended with exit code {exit_code}"
