"""Keeps the Chinese catalogue in step with the code: `.venv/bin/python -m tests.translating`.

Adds every message that the code has now (untranslated ones stay empty for a person to fill in), drops those that it
has no more, and compiles. Nothing in the files depends on when or where it is run.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
# Babel knows the Chinese of mainland China by its script too; a folder called zh_CN would never be found.
KEPT = ROOT / "backend" / "translations" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
COMPILED = KEPT.with_suffix(".mo")
BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)
"""The date in the compiled file, which wants one."""
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": (1,), "lazy_gettext": (1,)}


def extracted():
    """A catalogue of the messages that the code has, untranslated, each with the files that say it."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as settings:
        methods, options = parse_mapping_cfg(settings)
    catalogue = Catalog(locale="zh_Hans_CN", project="Tanhui", fuzzy=False)
    found = extract_from_dir(str(ROOT), methods, options, keywords=KEYWORDS)
    for file, _line, message, _comments, context in sorted(found, key=lambda item: (item[0], item[1])):
        # Without line numbers: a file may grow without changing the catalogue.
        catalogue.add(message, locations=[(file, None)], context=context)
    return catalogue


def kept():
    """The catalogue as it lies in the repository."""
    if not KEPT.exists():
        return Catalog(locale="zh_Hans_CN")
    with KEPT.open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


def merged():
    """The messages that the code has, with the translations that there are."""
    catalogue, known = extracted(), kept()
    for message in catalogue:
        before = known.get(message.id, context=message.context) if message.id else None
        if before is not None:
            message.string = before.string
    return catalogue


def written(catalogue):
    """The text of a catalogue's file."""
    file = io.BytesIO()
    write_po(file, catalogue, width=110, sort_output=True, omit_header=True)
    header = (
        'msgid ""\nmsgstr ""\n'
        '"Project-Id-Version: Tanhui\\n"\n"Language: zh_Hans_CN\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    )
    return header + file.getvalue().decode()


def compiled(catalogue):
    """The compiled form of a catalogue, which the application reads."""
    plain = Catalog(locale="zh_Hans_CN", fuzzy=False, header_comment="")
    for message in catalogue:
        if message.id:
            plain.add(message.id, message.string, context=message.context)
    plain.creation_date = plain.revision_date = BEFORE_ALL
    file = io.BytesIO()
    write_mo(file, plain)
    return file.getvalue()


def missing(catalogue):
    """The messages without a translation."""
    return [message for message in catalogue if message.id and not _is_translated(message)]


def _is_translated(message):
    strings = message.string if isinstance(message.string, list | tuple) else [message.string]
    return bool(strings) and all(strings) and not message.fuzzy


def main():
    """Bring the files up to date; says what is left to translate."""
    catalogue = merged()
    KEPT.write_text(written(catalogue), encoding="utf-8")
    COMPILED.write_bytes(compiled(kept()))
    left = missing(catalogue)
    for message in left:
        sys.stdout.write(f"to translate in {KEPT.relative_to(ROOT)}: {message.id!r}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
