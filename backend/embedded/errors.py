"""What goes wrong with the embedded servers, said in one sentence that tells the cure."""


class EmbeddedError(RuntimeError):
    """The embedded servers cannot be used; the message is one sentence that tells the cure."""
