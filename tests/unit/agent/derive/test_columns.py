"""Computed columns: values, qualities, times; full frames, parts, the past, silences."""

from agent.derive.columns import Derivation, Deriver
from agent.derive.expression import OUT_OF_RANGE, compile_expression
from agent.derive.projection import NOT_MAPPED, Calculation, Projection, Rule
from drivers.api import Frame, Quality

GOOD, UNCERTAIN, BAD = int(Quality.GOOD), int(Quality.UNCERTAIN), int(Quality.BAD)
COLUMNS = {"a": 0, "b": 1, "sum": 2, "twice": 3}


def derivation(name, text):
    expression = compile_expression(text)
    inputs = tuple((point, COLUMNS[point]) for point in expression.names)
    return Derivation(name, inputs, Calculation(expression), text)


def deriver():
    return Deriver(2, [derivation("sum", "a + b"), derivation("twice", "100 / sum")])


def frame(values, **keys):
    return Frame("d", "g", keys.pop("read_ns", 1000), tuple(values), **keys)


def told(found):
    """Give (column, value, quality, reason, time) of every value."""
    columns = found.columns or range(len(found.values))
    marks = found.qualities or bytes([GOOD]) * len(found.values)
    times = found.times_ns or (found.read_ns,) * len(found.values)
    return [
        (column, value, mark, (found.reasons or {}).get(at, ""), time_ns)
        for at, (column, value, mark, time_ns) in enumerate(
            zip(columns, found.values, marks, times, strict=True)
        )
    ]


def test_a_full_frame_gets_its_columns_at_the_end():
    """Computed columns follow the read ones, one may need another; equal values stay one object."""
    one = deriver()
    raw = (1, 4)
    first, second = one.extend(frame(raw)), one.extend(frame(raw, read_ns=2000))
    assert first.values == (1, 4, 5, 20.0)
    assert first.qualities is None
    assert second.values is first.values
    assert second.read_ns == 2000


def test_what_cannot_be_computed_is_bad_with_its_reason():
    """A division by zero is BAD, and so is what needs it; the values read stay good."""
    found = Deriver(2, [derivation("sum", "a / b"), derivation("twice", "sum + 1")]).extend(
        frame((1, 0))
    )
    assert told(found) == [
        (0, 1, GOOD, "", 1000),
        (1, 0, GOOD, "", 1000),
        (2, None, BAD, OUT_OF_RANGE, 1000),
        (3, None, BAD, OUT_OF_RANGE, 1000),
    ]


def test_quality_is_the_worst_of_the_inputs_and_time_the_newest():
    """An uncertain input makes an uncertain result, a BAD one a BAD result with its reason."""
    found = deriver().extend(
        frame(
            (1, 4),
            qualities=bytes([GOOD, UNCERTAIN]),
            reasons={1: "UncertainX"},
            times_ns=(500, 900),
        )
    )
    assert told(found)[2:] == [
        (2, 5, UNCERTAIN, "UncertainX", 900),
        (3, 20.0, UNCERTAIN, "UncertainX", 900),
    ]
    bad = deriver().extend(
        frame((1, None), qualities=bytes([GOOD, BAD]), reasons={1: "BadSensorFailure"})
    )
    assert [one[1:4] for one in told(bad)[2:]] == [(None, BAD, "BadSensorFailure")] * 2


def test_a_part_computes_only_what_it_touches():
    """With a part of the group, other inputs count as last read; unknown ones give nothing."""
    one = deriver()
    assert one.extend(frame((7,), columns=(0,))).columns == (0,)
    found = one.extend(frame((3,), columns=(1,), read_ns=2000))
    assert told(found)[1:] == [(2, 10, GOOD, "", 2000), (3, 10.0, GOOD, "", 2000)]


def test_after_a_full_frame_a_part_goes_on():
    """A part uses what the full frame before it held."""
    one = deriver()
    one.extend(frame((1, 4)))
    assert one.extend(frame((6,), columns=(0,))).values == (6, 10, 10.0)


def test_changes_of_one_part_are_computed_in_the_order_of_their_times():
    """Two changes of one input give two results, each of its own time."""
    one = deriver()
    one.extend(frame((1, 4)))
    found = one.extend(frame((9, 6), columns=(0, 0), times_ns=(3000, 2500), read_ns=3100))
    sums = [(value, time_ns) for column, value, _, _, time_ns in told(found) if column == 2]
    assert sums == [(10, 2500), (13, 3000)]


def test_after_a_silence_nothing_is_made_of_old_values():
    """What was read before a silence is not known after it."""
    one = deriver()
    one.extend(frame((1, 4)))
    one.silence()
    assert one.extend(frame((6,), columns=(0,))).columns == (0,)


def test_the_past_is_made_only_of_what_has_one_time():
    """What is backfilled is computed where inputs bear one time; the present stays as it is."""
    one = deriver()
    one.extend(frame((1, 4)))
    past = one.extend(frame((2, 3, 5), columns=(0, 1, 0), times_ns=(10, 10, 20), backfill=True))
    assert [(c, v, t) for c, v, _, _, t in told(past)[3:]] == [(2, 5, 10), (3, 20.0, 10)]
    assert past.backfill
    assert one.extend(frame((6,), columns=(0,))).values == (6, 10, 10.0)


def test_the_first_rule_that_holds_gives_the_state():
    """Rules are asked in order; a state none of them gives is unknown and uncertain."""
    rules = [("alarm", "x > 8"), ("running", "x > limit"), ("idle", "x == 1")]
    made = Projection(
        tuple(
            Rule(state, compile_expression(when), {"x": "point"}, {"limit": 5})
            for state, when in rules
        )
    )
    assert made.points == ("point",)
    assert [made({"point": x}).value for x in (9, 6, 1)] == ["alarm", "running", "idle"]
    assert made({"point": 3}) == ("unknown", UNCERTAIN, NOT_MAPPED)
