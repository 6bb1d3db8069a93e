"""`python -m backend.supervisor`: run the site that the environment describes until it is told to stop."""

import os
import sys
from collections.abc import Callable, Mapping

import click

from backend.embedded import EmbeddedError

from .errors import SupervisorError
from .plan import Plan, plan
from .supervision import supervise


def main(make_plan: Callable[[Mapping[str, str]], Plan] = plan) -> int:
    """Run the site of the environment; the exit code is 0 after a clean stop, 1 if it did not come up."""
    try:
        supervise(make_plan(os.environ))
    except (EmbeddedError, SupervisorError) as error:
        click.echo(str(error), err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
