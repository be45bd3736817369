"""The language of computed tags: what it computes, what it refuses, how it fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.derive.expression import (
    OUT_OF_RANGE,
    TYPE_MISMATCH,
    EvaluationError,
    ExpressionError,
    compile_expression,
)
from agent.derive.grammar import Kind
from agent.derive.kinds import kind_of

VALUES = {
    "word": 0b1001,
    "power.active": 1.25,
    "mode": "AUTO",
    "on": True,
    "axis.1.load": 40,
    "z": 0,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("bit(word, 3)", True),
        ("bit(word, 1)", False),
        ("power.active - 0.25", 1.0),
        ("max(power.active - 2, 0)", 0),
        ("power.active > 0.8 and not bit(word, 1)", True),
        ("mode in ('AUTO', 2)", True),
        ("word not in (1, 9)", False),
        ("mode == 'MDI'", False),
        ("tag('axis.1.load') / 100", 0.4),
        ("word & 8 | 2", 10),
        ("word >> 3", 1),
        ("round(power.active, 1)", 1.2),
        ("1 if on else 2", 1),
        ("0 < word < 10", True),
        ("number('12') + number(mode) if z else number('12')", 12),
        ("2 ** 10 + z", 1024),
    ],
)
def test_what_it_computes(text, value):
    """Arithmetic, bits, comparisons, choices and functions give Python's own results."""
    found = compile_expression(text)(VALUES)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / z", OUT_OF_RANGE),
        ("sqrt(z - 1)", OUT_OF_RANGE),
        ("(z - 2) ** 0.5", OUT_OF_RANGE),
        ("word ** 64", OUT_OF_RANGE),
        ("(word ** 60) ** 60", OUT_OF_RANGE),
        ("word << 100", OUT_OF_RANGE),
        ("power.active * 1e308 * 1e308", OUT_OF_RANGE),
        ("bit(word, 64)", OUT_OF_RANGE),
        ("number(mode)", OUT_OF_RANGE),
        ("mode + 1", TYPE_MISMATCH),
        ("mode * 9", TYPE_MISMATCH),
        ("mode > 3", TYPE_MISMATCH),
        ("mode == 3", TYPE_MISMATCH),
        ("bit(power.active, 1)", TYPE_MISMATCH),
    ],
)
def test_what_has_no_value_raises(text, reason):
    """A division by zero, a number beyond all bounds and text among numbers are told, never 0."""
    with pytest.raises(EvaluationError) as error:
        compile_expression(text)(VALUES)
    assert error.value.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "word = 3",
        "word.__class__()",
        "().__class__",
        "'a'.upper()",
        "word[0]",
        "[word]",
        "{word: 1}",
        "lambda: word",
        "f'{word}'",
        "[x for x in word]",
        "(word := 1)",
        "__import__('os')",
        "open(word)",
        "abs(word, *word)",
        "min(word)",
        "word in mode",
        "word is mode",
        "word; mode",
        "1 + 1",
        "b'x' == word",
        "1j * word",
        "... == word",
        "-" * 300 + "word",
        "+".join(["word"] * 30) + "".join(["+(word"] * 30) + ")" * 30,
        "word" + " + 1" * 200,
        "ｗord＞3",
    ],
)
def test_what_is_no_expression_is_refused(text):
    """Attributes, subscripts, comprehensions, other calls, and what is too long or too deep."""
    with pytest.raises(ExpressionError) as error:
        compile_expression(text)
    assert error.value.why.en
    assert error.value.why.zh


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text):
    """Reading never raises anything else, and evaluating only `EvaluationError`."""
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    try:
        expression(dict.fromkeys(expression.names, 1))
    except EvaluationError:
        return


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("word + 1", Kind.NUMBER),
        ("word > 1 or on", Kind.TRUTH),
        ("not bit(word, 1)", Kind.TRUTH),
        ("'a' if on else mode", Kind.TEXT),
        ("anything", None),
        ("-word", Kind.NUMBER),
        ("number(mode)", Kind.NUMBER),
    ],
)
def test_the_kind_of_a_result_is_known_before(text, kind):
    """`check` knows what a computed tag gives where the kinds of its points tell."""
    points = {"word": Kind.NUMBER, "on": Kind.TRUTH, "mode": Kind.TEXT}
    assert kind_of(compile_expression(text), points) is kind


@pytest.mark.parametrize(
    "text",
    ["mode + 1", "mode == 3", "word and on", "not word", "abs(mode)", "-mode",
     "1 if word else 2", "1 if on else mode"],
)  # fmt: skip
def test_text_among_numbers_is_found_before(text):
    """Mixed kinds are refused while checking, not met while running."""
    points = {"word": Kind.NUMBER, "on": Kind.TRUTH, "mode": Kind.TEXT}
    with pytest.raises(ExpressionError):
        kind_of(compile_expression(text), points)


@pytest.mark.parametrize("digits", [-(10**9), 16, 10**9, 1.5])
def test_a_rounding_ends_at_once(digits):
    """The number of digits is bounded, for it may come from a machine."""
    with pytest.raises(EvaluationError) as refused:
        compile_expression("round(word, z)")({"word": 9, "z": digits})
    assert refused.value.reason == OUT_OF_RANGE


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1_000", "9" * 5000])
def test_what_is_no_number_is_never_compared(text):
    """A text that Python would take for a number, and nobody else, gives no value."""
    with pytest.raises(EvaluationError) as refused:
        compile_expression("number(mode) > 3")({"mode": text})
    assert refused.value.reason == OUT_OF_RANGE
