"""The book of losses: nothing counted is forgotten, and it stays small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.losses import spans as spans_module
from agent.losses.spans import JOIN_MS, MOST_SPANS, LossBook, LossSpan, totals_by_cause

T_MS = 1_795_400_000_000

losses = st.lists(
    st.builds(
        LossSpan,
        st.sampled_from(["late", "size", "gap_link"]),
        st.sampled_from(["", "m1", "m2"]),
        st.integers(T_MS, T_MS + 10**10),
        st.integers(T_MS, T_MS + 10**10),
        st.integers(1, 5),
        st.integers(0, 10**6),
        st.booleans(),
    ),
    max_size=80,
)


@given(losses)
def test_sums_by_cause_are_never_changed_by_merging(found):
    """Whatever merges, how often and how much of each cause stays what was noted."""
    book = LossBook()
    for one in found:
        book = book.noted([one])
    assert totals_by_cause(book.spans) == totals_by_cause(found)
    assert all(len(series) <= MOST_SPANS for series in book.series.values())


@given(losses)
def test_every_loss_lies_within_a_span_of_its_cause_and_device(found):
    """No time in which something was lost falls out of the book."""
    book = LossBook().noted(found)
    for one in found:
        assert any(s.from_ms <= one.from_ms and one.to_ms <= s.to_ms for s in book.series[one.key])


def test_near_losses_are_one_span_and_far_ones_are_two():
    """Losses of one cause and device join when no more than ten minutes lie between them."""
    first = LossSpan("late", "m1", T_MS, T_MS + 1000, 1, 3)
    near = LossSpan("late", "m1", T_MS + 1000 + JOIN_MS, T_MS + 2000 + JOIN_MS, 1, 4)
    far = LossSpan("late", "m1", near.to_ms + JOIN_MS + 1, near.to_ms + JOIN_MS + 2, 1, 5)
    book = LossBook().noted([first, near, far])
    joined = LossSpan("late", "m1", T_MS, near.to_ms, 2, 7)
    assert book.spans == (far, joined)


def test_another_device_is_another_span():
    """Devices never share a span."""
    book = LossBook().noted([LossSpan("late", d, T_MS, T_MS) for d in ("m1", "m2")])
    assert {s.device for s in book.spans} == {"m1", "m2"}


def test_a_date_that_cannot_be_right_is_not_shown_as_one():
    """A span of a clock that stood at 1970 is kept as undated, apart from the dated ones."""
    found = [LossSpan("late", "m1", 1000, 2000), LossSpan("late", "m1", T_MS, T_MS)]
    book = LossBook().noted(found)
    assert [s.dated for s in book.spans] == [True, False]


def test_a_book_is_a_value():
    """Noting gives another book and leaves the one before as it was; nothing gives itself."""
    before = LossBook().noted([LossSpan("late", "m1", T_MS, T_MS)])
    after = before.noted([LossSpan("busy", "m1", T_MS, T_MS)])
    assert [s.cause for s in before.spans] == ["late"]
    assert after.changed_since(before) == [("busy", "m1", True)]
    assert after.noted([]) is after


def test_devices_that_come_and_go_leave_no_end(monkeypatch):
    """Beyond the bound the series that ended first is kept under no device, and counted on."""
    monkeypatch.setattr(spans_module, "MOST_SERIES", 10)
    found = [LossSpan("late", f"m{n}", T_MS + n, T_MS + n, 1, 2) for n in range(50)]
    book = LossBook().noted(found)
    assert len(book.series) <= 11
    assert totals_by_cause(book.spans) == {"late": (50, 100)}
    assert "m49" in {s.device for s in book.spans}
