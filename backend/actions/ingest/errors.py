"""What stops an import before anything is credited."""


class UnreadableFileError(Exception):
    """The file cannot be taken at all; the sentence says why and how to cure it."""


class BrokenRowError(Exception):
    """One row cannot be read; the others go on."""
