"""Why a site does not start, said in one sentence that tells the cure."""


class SupervisorError(RuntimeError):
    """The site cannot run; the message is one sentence that tells the cure."""
