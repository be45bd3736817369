"""Why a machine has its standing, and why a rate is missing: stable codes and their sentences."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from agent.kpi.reason_texts import NULLS, SENTENCES, WHAT_EN, WHAT_ZH
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.kpi.evidence import Demand
    from agent.kpi.judge import Assessment
    from agent.kpi.rates import NullReason


class Reason(StrEnum):
    """Code of the reason; stable, never renamed."""

    VERIFIED = "verified"
    WITNESSED = "witnessed"
    NOT_CLAIMED = "not_claimed"
    NOT_IN_SERVICE = "not_in_service"
    PART_OF = "part_of"
    NO_KEY_PROCESS = "no_key_process"
    SAME_SOURCE = "same_source"
    DUPLICATE_ENDPOINT = "duplicate_endpoint"
    SIMULATOR = "simulator"
    IDENTITY_MISMATCH = "identity_mismatch"
    COPIED = "copied"
    FLAT_LINE = "flat_line"
    NO_DEVICE = "no_device"
    TOO_FEW_SCHEDULED_DAYS = "too_few_scheduled_days"
    NO_DATA = "no_data"
    TOO_FEW_DAYS = "too_few_days"
    NO_CHANGE = "no_change"
    NO_TRANSITION = "no_transition"
    COUNTER_BACK = "counter_back"
    TOO_REGULAR = "too_regular"
    OUTSIDE_SHIFTS = "outside_shifts"
    ALIKE = "alike"
    DUPLICATE_SERIAL = "duplicate_serial"
    IDENTITY_UNREAD = "identity_unread"
    NO_CONTROL_IDENTITY = "no_control_identity"


CONTRADICTING: Final = (
    Reason.DUPLICATE_ENDPOINT,
    Reason.SIMULATOR,
    Reason.IDENTITY_MISMATCH,
    Reason.COPIED,
    Reason.FLAT_LINE,
)
"""Findings that contradict a declaration, the first one told; beside `same_source`."""
DOUBTFUL: Final = (
    Reason.NO_TRANSITION,
    Reason.COUNTER_BACK,
    Reason.TOO_REGULAR,
    Reason.OUTSIDE_SHIFTS,
    Reason.ALIKE,
    Reason.DUPLICATE_SERIAL,
)
"""Findings that keep a machine from being live, and no more: unverified is not false."""

CONTROL_NAMES_ZH: Final = {"manual": "手动", "relay": "继电器", "robot": "工业机器人"}
"""Control types that are words; the others are the same abbreviation in both languages."""


def sentence(assessment: Assessment, asked: Demand) -> Message:
    """Say in both languages why a machine has its standing."""
    control_type = assessment.machine.control_type.value
    values = {
        "seen": str(assessment.seen.days),
        "needed": str(asked.needed_days),
        "period": str(asked.period_days),
        "scheduled": str(asked.scheduled_days),
        "min_days": str(asked.min_days),
        "last": asked.last.isoformat(),
        "device": assessment.machine.device or "",
        **assessment.about,
    }
    template = SENTENCES[assessment.reason.value]
    rivals, what = assessment.rivals, values.pop("what", "")
    return Message(
        en=template.en.format(
            **values,
            control_type=control_type,
            rivals=", ".join(rivals),
            what=WHAT_EN.get(what, what),
        ),
        zh=template.zh.format(
            **values,
            control_type=CONTROL_NAMES_ZH.get(control_type, f" {control_type}"),
            rivals="、".join(rivals),
            what=WHAT_ZH.get(what, what),
        ),
    )


def null_sentence(reason: NullReason) -> Message:
    """Say in both languages why a rate cannot be given."""
    return NULLS[reason.value]
