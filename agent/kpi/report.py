"""The computed rate in the forms others take: status for page and CLI, metrics, JSON.

The metrics go the way of every other value, as frames of the pseudo-device `kpi`, group `rate`.
A rate that cannot be given is a BAD value with the code of the reason, never a 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from agent.kpi.eased import eased_sentence
from agent.kpi.evidence import Standing
from agent.kpi.rates import Figure, NullReason
from agent.kpi.reasons import sentence
from agent.telemetry.status import EquipmentRate, Message, RateStatus
from drivers.api import DataType, Frame, Quality, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.kpi.judge import Assessment
    from agent.kpi.result import RateResult

DEVICE = "kpi"
"""Id of the pseudo-device; no device of a configuration may bear it."""
GROUP = "rate"
"""Name of its only group."""
_SHARE_COLUMNS = 3
"""A share is given in percent, as numerator and as denominator."""


@dataclass(frozen=True, slots=True)
class RateMetric:
    """What one metric of the pseudo-device means, for the platform's meta message."""

    name: str
    data_type: DataType
    unit: str
    """UCUM; empty for texts, `1` for counts."""
    description: str


def _share(name: str, what: str) -> tuple[RateMetric, ...]:
    full = f"nc_rate.{name}"
    return (
        RateMetric(full, DataType.FLOAT64, "%", what),
        RateMetric(f"{full}.num", DataType.INT64, "1", f"{what}: numerator of the exact fraction"),
        RateMetric(f"{full}.den", DataType.INT64, "1", f"{what}: denominator"),
    )


def _count(name: str, what: str) -> RateMetric:
    return RateMetric(f"nc_rate.{name}", DataType.INT64, "1", what)


def _text(name: str, what: str) -> RateMetric:
    return RateMetric(f"nc_rate.{name}", DataType.STRING, "", what)


METRICS = (
    *_share("declared", "key-process CNC rate as declared"),
    *_share("adjusted", "the same without contradicted machines"),
    *_share("verified", "the same with verified machines only"),
    *_share("gap", "declared minus verified"),
    *_share("coverage", "declared machines that are verified"),
    _count("key_processes", "key processes in the house"),
    _count("machines", "distinct machines able to run one"),
    _count("machines_declared", "of these, declared as numerically controlled"),
    _count("machines_verified", "of these, verified"),
    _count("machines_contradicted", "of the declared, contradicted"),
    _text("method", "formula of the rates above"),
    _text("control_set", "control types that count: strict or broad"),
    _text("rules", "version of the rules"),
    _text("as_of", "day the rate is of, ISO 8601"),
)
"""Every metric, in the order of the columns of a frame."""


def rate_metrics(result: RateResult) -> tuple[tuple[str, ...], tuple[Value, ...]]:
    """Give the metric names and, in the same order, their values; None where there is no rate."""
    found = result.headline_set
    values: list[Value] = [part for figure in _figures(result) for part in _parts(figure)]
    values += [
        len(found.processes),
        len(found.machines),
        len(found.declared),
        len(found.declared & found.verified),
        len(found.standing(Standing.CONTRADICTED)),
        result.method.value,
        result.control_set.value,
        result.rules,
        result.asked.last.isoformat(),
    ]
    return tuple(metric.name for metric in METRICS), tuple(values)


def rate_frame(result: RateResult) -> Frame:
    """Give the metrics as a frame, stamped with the time they were computed."""
    _, values = rate_metrics(result)
    reasons = {
        at * _SHARE_COLUMNS + part: figure.value
        for at, figure in enumerate(_figures(result))
        if isinstance(figure, NullReason)
        for part in range(_SHARE_COLUMNS)
    }
    marks = bytes(Quality.BAD if at in reasons else Quality.GOOD for at in range(len(values)))
    return Frame(
        device=DEVICE,
        group=GROUP,
        read_ns=result.computed_ms * 1_000_000,
        values=values,
        qualities=marks if reasons else None,
        reasons=reasons or None,
    )


def rate_status(result: RateResult) -> RateStatus:
    """Give the snapshot that page, metrics and CLI show."""
    found, headline = result.headline_set, result.headline
    missing = (f for f in (headline.declared, headline.verified) if isinstance(f, NullReason))
    return RateStatus(
        method=result.method.value,
        control_set=result.control_set.value,
        as_of_ms=result.computed_ms,
        declared=pair(headline.declared),
        adjusted=pair(headline.adjusted),
        verified=pair(headline.verified),
        coverage=result.counted,
        null_reason=next(missing, ""),
        by_method={
            method.value: (pair(one.declared), pair(one.verified))
            for method, one in found.rates.items()
        },
        equipment=tuple(_equipment(one, result) for one in found.assessments),
        neighbours=found.neighbours.document(),
        eased=eased_sentence(result.eased),
    )


def to_json(status: RateStatus) -> dict[str, Any]:
    """Give the status as plain JSON types, as `/api/rate` serves it."""
    return asdict(status)


def from_json(document: Mapping[str, Any]) -> RateStatus:
    """Take what `to_json` gave, also after a trip through JSON.

    Raises:
        ValueError: the document is not a rate status.
    """
    try:
        return RateStatus(
            method=str(document["method"]),
            control_set=str(document["control_set"]),
            as_of_ms=int(document["as_of_ms"]),
            declared=_pair_in(document["declared"]),
            adjusted=_pair_in(document["adjusted"]),
            verified=_pair_in(document["verified"]),
            coverage=_pair_in(document["coverage"]),
            null_reason=str(document["null_reason"]),
            by_method={
                str(method): (_pair_in(declared), _pair_in(verified))
                for method, (declared, verified) in document["by_method"].items()
            },
            equipment=tuple(_equipment_in(one) for one in document["equipment"]),
            neighbours=dict(document.get("neighbours", {})),
            history=dict(document.get("history", {})),
            key=str(document.get("key", "")),
            eased=_message_in(document.get("eased")),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a rate status: {error!r}") from error


def pair(figure: Figure) -> tuple[int, int] | None:
    """Give a rate as (numerator, denominator), reduced; None where there is none."""
    if isinstance(figure, NullReason):
        return None
    return figure.numerator, figure.denominator


def _parts(figure: Figure) -> tuple[Value, Value, Value]:
    if isinstance(figure, NullReason):
        return None, None, None
    return float(figure * 100), figure.numerator, figure.denominator


def _figures(result: RateResult) -> tuple[Figure, ...]:
    """Give the figures in the order of `METRICS`, where each takes `_SHARE_COLUMNS` columns."""
    one = result.headline
    return one.declared, one.adjusted, one.verified, one.gap, result.headline_set.coverage


def _equipment(assessment: Assessment, result: RateResult) -> EquipmentRate:
    machine = assessment.machine
    covered = result.covered.get(machine.device or "")
    return EquipmentRate(
        id=machine.id,
        name=machine.name,
        device=machine.device,
        control_type=machine.control_type.value,
        declared=assessment.declared,
        level=assessment.level.value,
        status=assessment.standing.value,
        reason=assessment.reason.value,
        message=sentence(assessment, result.asked),
        facts={
            "nc": assessment.nc,
            "digital": assessment.digital,
            "networked": assessment.networked,
            "observed": assessment.observed,
        },
        findings=tuple(one.reason.value for one in assessment.findings),
        coverage={} if covered is None else covered.document(),
    )


def _equipment_in(document: Mapping[str, Any]) -> EquipmentRate:
    device = document["device"]
    return EquipmentRate(
        id=str(document["id"]),
        name=str(document["name"]),
        device=None if device is None else str(device),
        control_type=str(document["control_type"]),
        declared=bool(document["declared"]),
        level=str(document["level"]),
        status=str(document["status"]),
        reason=str(document["reason"]),
        message=_message_in(document["message"]) or Message(en="", zh=""),
        facts={str(name): bool(is_so) for name, is_so in document.get("facts", {}).items()},
        findings=tuple(str(code) for code in document.get("findings", ())),
        coverage=dict(document.get("coverage", {})),
    )


def _message_in(said: Mapping[str, Any] | None) -> Message | None:
    return None if said is None else Message(en=str(said["en"]), zh=str(said["zh"]))


def _pair_in(pair_: Any) -> tuple[int, int] | None:
    if pair_ is None:
        return None
    numerator, denominator = pair_
    share = int(numerator), int(denominator)
    if share[1] < 1:
        raise ValueError(f"a denominator of {share[1]}")
    return share
