"""Chinese and English words for the shapes of values; used by messages, never parsed.

`WANTED` and `BOUNDS` are keyed by pydantic's error types, `FORMS` by the pattern of a field,
`RULES` by the English sentence a validator of ours raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_TEXT = Message(en="text", zh="文字")
_WHOLE = Message(en="a whole number", zh="整数")
_NUMBER = Message(en="a number", zh="数字")
_YES_NO = Message(en="true or false", zh="true 或 false")
_LIST = Message(en='a list (lines that begin with "- ")', zh="列表（每项以“- ”开头）")
_MAPPING = Message(en='a set of "key: value" lines', zh="一组“键: 值”")
_DATE = Message(en="a date, such as 2026-03-01", zh="日期，例如 2026-03-01")

WANTED = {
    "string_type": _TEXT, "string_unicode": _TEXT, "string_sub_type": _TEXT,
    "path_type": _TEXT,
    "int_type": _WHOLE, "int_parsing": _WHOLE, "int_from_float": _WHOLE,
    "int_parsing_size": _WHOLE,
    "float_type": _NUMBER, "float_parsing": _NUMBER,
    "finite_number": Message(en="a finite number", zh="有限的数字"),
    "bool_type": _YES_NO, "bool_parsing": _YES_NO,
    "tuple_type": _LIST, "list_type": _LIST,
    "dict_type": _MAPPING, "model_type": _MAPPING, "model_attributes_type": _MAPPING,
    "date_type": _DATE, "date_parsing": _DATE, "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
}  # fmt: skip
"""What should have stood there."""

BOUNDS = {
    "greater_than": Message(en="above {}", zh="大于 {}"),
    "greater_than_equal": Message(en="at least {}", zh="不小于 {}"),
    "less_than": Message(en="below {}", zh="小于 {}"),
    "less_than_equal": Message(en="at most {}", zh="不大于 {}"),
    "string_too_short": Message(en="length at least {}", zh="至少 {} 个字符"),
    "string_too_long": Message(en="length at most {}", zh="最多 {} 个字符"),
    "too_short": Message(en="length at least {}", zh="至少 {} 项"),
    "too_long": Message(en="length at most {}", zh="最多 {} 项"),
}
"""The bound that was passed; braces take the limit."""

LENGTHS = {"string_too_short", "string_too_long", "too_short", "too_long"}
"""The bounds that are lengths."""

FORMS = {
    r"^[A-Za-z0-9_-]{1,64}$": Message(
        en="Letters, digits, - and _ only, 64 at most; it becomes part of an MQTT topic. "
        "Put the Chinese name under 'name'.",
        zh="只能用字母、数字、- 和 _，最多 64 个，因为会用于 MQTT 主题。中文名称请写在 name。",
    ),
    r"^[a-z0-9_]+(\.[a-z0-9_]+){0,6}$": Message(
        en="Lower-case words joined by dots, such as spindle.speed. "
        "Put the Chinese name under 'description'.",
        zh="用小写英文，以点分级，例如 spindle.speed。中文名称请写在 description（说明）。",
    ),
    r"^mqtts?://[^/\s]+$": Message(
        en="Write mqtt://host:1883 or mqtts://host:8883.",
        zh="请写成 mqtt://主机:1883 或 mqtts://主机:8883。",
    ),
    r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$": Message(
        en="Topic levels joined by /, such as hb/v1, without + and #.",
        zh="主题层级用 / 连接，例如 hb/v1，不能含 + 和 #。",
    ),
    r"^[^\s/\[\]@]{1,255}$": Message(
        en="An address or a name alone, such as 192.168.1.10: the port goes under 'port', "
        "without tcp:// and without brackets.",
        zh="只写 IP 地址或主机名，例如 192.168.1.10；端口写在 port，不要写 tcp://，也不要加方括号。",
    ),
    r"^[^\s:]{1,255}$": Message(
        en="The serial port's name alone, such as /dev/ttyUSB0; speed and parity go under "
        "'baud' and 'parity'.",
        zh="只写串口名，例如 /dev/ttyUSB0；波特率和校验位写在 baud 和 parity。",
    ),
    r"^[^\s/@]{1,255}:[0-9]{1,5}$": Message(
        en="An address of this gateway and a port, such as 192.168.1.2:5020, "
        "or 0.0.0.0:5020 for all its addresses.",
        zh="写本网关的地址和端口，例如 192.168.1.2:5020；不限网口时写 0.0.0.0:5020。",
    ),
    r"^(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$": Message(
        en="Hours and minutes with a colon, such as 08:00; 24:00 is midnight.",
        zh="写成 24 小时制的“时:分”，例如 08:00，用半角冒号。",
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?$": Message(
        en="A day, such as 2026-05-01, or first/last day, such as 2026-10-01/2026-10-07.",
        zh="写成日期，例如 2026-05-01；连续几天写成 首日/末日，例如 2026-10-01/2026-10-07。",
    ),
    r"^([0-9a-f]{64})?$": Message(
        en="The SHA-256 of the file: 64 digits and letters a to f, as `sha256sum photo.jpg` tells.",
        zh="文件的 SHA-256：64 位数字和小写字母 a～f，可用 sha256sum 照片文件名 得到。",
    ),
}
"""The form a text must have."""

RULES = {
    "at least one destination needs policy: must": Message(
        en="at least one destination needs policy: must", zh="至少要有一个目标的 policy 为 must"
    ),
    "every destination needs a name of its own": Message(
        en="every destination needs a name of its own", zh="每个目标的 name 不能重复"
    ),
    "cert and key go together": Message(
        en="cert and key go together", zh="cert 和 key 必须同时填写"
    ),
    "min must be below max": Message(en="min must be below max", zh="下限 min 必须小于上限 max"),
    "scale must not be 0": Message(en="scale must not be 0", zh="倍率 scale 不能为 0"),
    "a tag with states takes no scale, offset or deadband": Message(
        en="a tag with states takes no scale, offset or deadband",
        zh="有状态映射（states）的点位不能再设 scale、offset 或 deadband",
    ),
    "write.min must not be above write.max": Message(
        en="write.min must not be above write.max", zh="write.min 不能大于 write.max"
    ),
    "write.step is counted from write.min": Message(
        en="write.step is counted from write.min: give both",
        zh="步长 write.step 从 write.min 起算，两个都要填写",
    ),
    "only numbers and bool can be written, and the type must be given": Message(
        en="only numbers and bool can be written, and the type must be given",
        zh="只有数值和 bool 点位可以写，且必须写明数据类型（有 states 的点位不能写）",
    ),
    "a number that may be written needs write.min and write.max": Message(
        en="a number that may be written needs write.min and write.max",
        zh="允许写的数值点位必须填写 write.min 和 write.max",
    ),
    "a bool that may be written takes no limits, scale or offset": Message(
        en="a bool that may be written takes no limits, scale or offset",
        zh="允许写的 bool 点位不能设 write.min、write.max、scale 或 offset",
    ),
    "breaks must lie within their shift and not overlap": Message(
        en="breaks must lie within their shift and not overlap",
        zh="休息时间必须在本班次之内，且不能互相重叠",
    ),
    "days must exist, and a span must have 1 to 366 of them": Message(
        en="days must exist, and a span must have 1 to 366 of them",
        zh="日期必须真实存在，连续日期须为 1 到 366 天，首日在前",
    ),
    "every shift needs a name of its own": Message(
        en="every shift needs a name of its own", zh="每个班次的 name 不能重复"
    ),
    "shifts must not overlap": Message(en="shifts must not overlap", zh="班次时间不能互相重叠"),
}
"""Rules between the keys of one section."""


def describe(owner: type[BaseModel] | None, key: str, field: FieldInfo | None) -> Message:
    """Give what a field means; Chinese is empty where a driver's model does not say it."""
    from agent.config.fields import CHINESE

    if owner is None or field is None:
        return Message(en="", zh="")
    english = field.description or ""
    extra = field.json_schema_extra
    chinese = extra.get("zh") if isinstance(extra, dict) else None
    if not isinstance(chinese, str):
        chinese = CHINESE.get(f"{owner.__name__}.{key}", "")
    return Message(en=english, zh=chinese)
