"""A script, not a module: becomes another program, as another user and detached if asked.

    python launcher.py '{"argv": [...], "folder": "...", "user": [uid, gid] | null, "capability": n | null,
                         "detached": true | false}'

A separate process does this because code between fork and exec is unsafe in a process with threads, and
because a server whose parent has gone leaves no zombie in the process that started it.
"""

import ctypes
import json
import os
import sys

_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CANNOT_RUN = 126


def _detach() -> None:
    if os.fork():
        os._exit(0)
    os.setsid()


def _become(user: list[int], capability: int | None) -> None:
    uid, gid = user
    libc = ctypes.CDLL(None, use_errno=True)
    if capability is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    if capability is not None:
        _keep(capability, libc)


def _keep(capability: int, libc: ctypes.CDLL) -> None:
    """Keep one capability across exec, see capabilities(7): it has to be inheritable, then ambient."""
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0):
        raise PermissionError(ctypes.get_errno(), "capability not granted")


def _main() -> None:
    wanted = json.loads(sys.argv[1])
    try:
        if wanted["detached"]:
            _detach()
        os.umask(0o077)
        if wanted["user"] is not None:
            _become(wanted["user"], wanted["capability"])
        os.chdir(wanted["folder"])
        os.execv(wanted["argv"][0], wanted["argv"])  # noqa: S606  no shell is what we want
    except OSError as error:
        sys.stderr.write(f"FATAL: cannot run {wanted['argv'][0]}: {error}\n")
        os._exit(_CANNOT_RUN)


if __name__ == "__main__":
    _main()
