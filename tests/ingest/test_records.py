"""Records of a file: one line's damage stays on that line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.actions.ingest.records import records


def read(text, delimiter=","):
    return list(records(text.split("\n"), delimiter=delimiter))


def test_lines_are_numbered_as_editors_do_and_empty_ones_left_out():
    assert read("a,b\n\n1,2\n") == [(1, ["a", "b"]), (3, ["1", "2"])]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends():
    assert read('1,"a,b"\n2,"say ""hi"""\n3,"two\nlines"\n4,x') == [
        (1, ["1", "a,b"]),
        (2, ["2", 'say "hi"']),
        (3, ["3", "two\nlines"]),
        (5, ["4", "x"]),
    ]


def test_a_quote_that_never_closes_costs_its_own_line_alone():
    assert read('1,a\n2,"b\n3,c\n4,d') == [(1, ["1", "a"]), (2, None), (3, ["3", "c"]), (4, ["4", "d"])]


def test_a_record_takes_twenty_lines_at_most():
    long = '1,"' + "\n" * 19 + 'x"'
    longer = '1,"' + "\n" * 20 + 'x"'
    assert read(long + "\n2,b") == [(1, ["1", "\n" * 19 + "x"]), (21, ["2", "b"])]
    assert read(longer + "\n2,b")[0] == (1, None)


@pytest.mark.parametrize("line", ['1,"a"b', '"1" ,a"', '1,"a" "b"'])
def test_quotes_in_wrong_places_break_the_line(line):
    assert read(line + "\n2,b")[-1] == (2, ["2", "b"])


@given(st.lists(st.lists(st.text(alphabet='ab,"', max_size=4), min_size=2, max_size=2), max_size=5), st.text())
def test_what_was_written_properly_is_read_back(rows, rubbish):
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in cells) for cells in rows]
    assert [cells for _, cells in records(iter(lines), delimiter=",")] == rows
    list(records(rubbish.split("\n"), delimiter=","))
