"""The words of the report in both languages, where they stand for codes of the documents."""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import Message

METHODS: Final = {
    "any": Message(en="any: processes with at least one NC machine",
                   zh="any：有一台数控设备的工序占比"),
    "all": Message(en="all: processes whose machines are all NC",
                   zh="all：设备全部为数控的工序占比"),
    "mean": Message(en="mean: mean of the processes' shares of NC machines",
                    zh="mean：各工序数控设备占比的平均值"),
    "pool": Message(en="pool: NC share of all machine-process pairs",
                    zh="pool：按“设备×工序”合计的数控占比"),
    "dedup": Message(en="dedup: NC share of distinct machines",
                     zh="dedup：按设备台数（不重复）合计的占比"),
}  # fmt: skip
SETS: Final = {
    "strict": Message(en="strict set", zh="窄口径"),
    "broad": Message(en="broad set", zh="宽口径"),
}
STATUSES: Final = {
    "verified": Message(en="● verified", zh="● 已验证"),
    "unverified": Message(en="○ not verified", zh="○ 待验证"),
    "contradicted": Message(en="× contradicted", zh="× 有矛盾"),
    "not_claimed": Message(en="– not claimed", zh="– 未申报"),
}
KINDS: Final = {
    "discrete": Message(en="discrete", zh="离散型"),
    "process": Message(en="process", zh="流程型"),
    "mixed": Message(en="mixed", zh="混合型"),
}
CONTROL: Final = {
    "manual": Message(en="manual", zh="手动"),
    "relay": Message(en="relay", zh="继电器"),
    "robot": Message(en="robot", zh="机器人"),
}
"""Control types that are words; the others are abbreviations."""
DECLARED: Final = Message(en="declared", zh="申报值")
ADJUSTED: Final = Message(en="adjusted", zh="核减后")
VERIFIED: Final = Message(en="verified by data", zh="数据已验证")
TARGET_MET: Final = {
    True: Message(en="target {percent}%: reached", zh="目标 {percent}%：达到"),
    False: Message(en="target {percent}%: not reached", zh="目标 {percent}%：未达到"),
    None: Message(en="", zh=""),
}


def control_name(control_type: str, lang: str) -> str:
    """Name a control type."""
    named = CONTROL.get(control_type)
    return named.text(lang) if named is not None else control_type


SCALES = {
    "large": Message(en="large", zh="大型"),
    "medium": Message(en="medium", zh="中型"),
    "small": Message(en="small", zh="小型"),
    "micro": Message(en="micro", zh="微型"),
}
ABOVE = {
    True: Message(en="above the statistical threshold", zh="规上"),
    False: Message(en="below the statistical threshold", zh="规下"),
}
