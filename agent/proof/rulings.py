"""The rulings this project made where no public text decides; stored with every result.

None of them has an authority behind it; whoever reads a figure must be able to see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, slots=True)
class Ruling:
    """One case the definition leaves open, and what is done with it."""

    id: str
    case: Message
    ruling: Message

    def document(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        return {
            "id": self.id,
            "case": {"en": self.case.en, "zh": self.case.zh},
            "ruling": {"en": self.ruling.en, "zh": self.ruling.zh},
        }


def _ruling(id_: str, *, case: tuple[str, str], ruling: tuple[str, str]) -> Ruling:
    return Ruling(id_, Message(*case), Message(*ruling))


RULINGS = (
    _ruling(
        "key_process",
        case=("what is a key process", "关键工序的认定"),
        ruling=(("Declared by the enterprise and signed, with the process document it rests on; "
                "software cannot infer it. A change within the period is told."),
                "由企业按工艺文件申报并签字，软件不作推断；统计期内的变动一律提示。"),
    ),
    _ruling(
        "outsourced",
        case=("process done outside", "外协工序"),
        ruling=("Not among the key processes; listed with the reason.",
                "不计入关键工序，另行列出并注明原因。"),
    ),
    _ruling(
        "manual_process",
        case=("manual process without machine", "无设备的手工工序"),
        ruling=("Stays among the key processes; its share is 0.",
                "仍计入关键工序，覆盖率按 0 计。"),
    ),
    _ruling(
        "idle",
        case=("backup, idle or under repair", "备用、闲置、在修设备"),
        ruling=("In service unless retired; it merely lacks data.",
                "未退役即在役，计入设备总数；只是缺少数据，不作数据验证。"),
    ),
    _ruling(
        "line",
        case=("flexible cell or automatic line", "柔性单元、自动线"),
        ruling=("One unit; its parts may be listed instead, never both.",
                "按一套（条）计；也可分列各单机，但不得重复计入。"),
    ),
    _ruling(
        "robot",
        case=("robot cell", "机器人工作站"),
        ruling=("Numerically controlled for the process it performs.",
                "对其承担的工序计为数控。"),
    ),
    _ruling(
        "add_on",
        case=("manual machine with a meter or monitor added", "加装电表或监测装置的普通机床"),
        ruling=(("Networked, perhaps digital, not numerically controlled: what is added must "
                "command the process, not only observe it."),
                "可计联网，视情况计数字化，不计数控：加装装置须能控制加工过程，仅监测不算。"),
    ),
    _ruling(
        "plc",
        case=("PLC-controlled machine in discrete production", "离散行业的 PLC 控制设备"),
        ruling=("Not in the strict set, in the broad set; both are given.",
                "窄口径不计，宽口径计入；两种结果同时给出。"),
    ),
    _ruling(
        "shared",
        case=("machine used by two enterprises", "两家企业共用的设备"),
        ruling=("Counted by the operator of record; the same machine claimed twice is a conflict.",
                "由登记的使用单位计入；同一设备被重复登记视为矛盾。"),
    ),
    _ruling(
        "sites",
        case=("several sites", "一家企业多个厂区"),
        ruling=("One social credit code is one enterprise; its sites are counted together.",
                "同一统一社会信用代码按一家企业合并计算。"),
    ),
    _ruling(
        "unverified",
        case=("machine without proof by data", "没有数据佐证的申报设备"),
        ruling=("Not verified is not false: it counts as declared and not as verified.",
                "待验证不等于不实：计入申报值，不计入数据已验证值。"),
    ),
)  # fmt: skip
"""Every ruling, in the order it is printed."""
