"""Rows are found on a page of a damaged file whatever the few bytes that order it say."""

from __future__ import annotations

import os

import pytest
from unit.agent.store.outboxes import data, put

from agent.store.carve import Pages, rows_on
from agent.store.file import PAGE_BYTES
from agent.store.sqlite import Outbox

LEAF = 0x0D
ROWS = 6
HEAD_BITS = tuple(range(5 * 8))
"""Type, first free block and count of cells."""


@pytest.fixture
def leaf(store):
    """Give the file of a store and the number of the page that holds all its rows."""
    outbox = Outbox.open(store)
    put(outbox, *(data(1, b"row %d " % n + b"x" * 300) for n in range(1, ROWS + 1)))
    outbox.close(clean=True)
    content = store.path.read_bytes()
    return store.path, content.index(b"row 1 ") // PAGE_BYTES + 1


def found(path, page, content):
    """Give numbers of the rows found on a page of a file that holds this."""
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        return sorted(row.seq for row in rows_on(Pages(fd, None, page_bytes=PAGE_BYTES), page))
    finally:
        os.close(fd)


@pytest.mark.parametrize("bit", HEAD_BITS)
def test_a_flipped_bit_at_the_head_of_a_page_costs_no_row(leaf, bit):
    """Kind of page and count of cells are not believed: a row is what has a true checksum."""
    path, page = leaf
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE_BYTES + bit // 8] ^= 1 << bit % 8
    assert found(path, page, content) == list(range(1, ROWS + 1))


@pytest.mark.parametrize("bit", range(16))
def test_a_flipped_bit_in_the_place_of_a_row_costs_that_row(leaf, bit):
    """Those behind it are still found."""
    path, page = leaf
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE_BYTES + 8 + bit // 8] ^= 1 << bit % 8
    assert set(range(2, ROWS + 1)) <= set(found(path, page, content))
