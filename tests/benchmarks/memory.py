"""The most memory that a process has had, as its own `top` would have shown it."""

from pathlib import Path


def peak_mb(pid: int) -> float:
    """The peak so far of a process that is there; 0 once it has ended and nobody has asked how.

    Not what `wait4` tells: to the system a program's peak begins with that of whoever started it.
    """
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), default=0.0)
