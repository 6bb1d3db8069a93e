"""What keeps an import from a file, from one of its rows, or from going on."""


class UnreadableFileError(Exception):
    """The file cannot be taken at all; the sentence says why and how to cure it."""


class BrokenRowError(Exception):
    """One row cannot be read; the others go on."""


class StoppedError(Exception):
    """An import cannot go on; the sentence says why. What was credited stays."""
