"""Why an address cannot be read and what to write instead, in Chinese and English.

One function per mistake of the place and its suffixes; those about types are in
`refused_types`. The texts are read by the person who filled in the point table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import AddressProblem

if TYPE_CHECKING:
    from drivers.api import Tag


class Refusal(Exception):  # noqa: N818 - becomes an AddressProblem, never leaves the package
    """One reason against one address."""

    def __init__(self, why: str, why_zh: str, *, hint: str, hint_zh: str) -> None:
        super().__init__(why)
        self.why = why
        self.why_zh = why_zh
        self.hint = hint
        self.hint_zh = hint_zh

    def problem(self, tag: Tag) -> AddressProblem:
        """Name the tag it happened to."""
        return AddressProblem(
            tag=tag.name,
            address=tag.address,
            why=self.why,
            hint=self.hint,
            why_zh=self.why_zh,
            hint_zh=self.hint_zh,
        )


def unknown_syntax(text: str) -> Refusal:
    """Refuse what is no Modbus address at all."""
    return Refusal(
        f"{text!r} is not a Modbus address",
        f"{text!r} 不是 Modbus 地址",
        hint="write hr:100 (holding register), ir:100 (input register), co:5 (coil), di:5 "
        "(discrete input), or Modicon 40101",
        hint_zh="写成 hr:100（保持寄存器）、ir:100（输入寄存器）、co:5（线圈）、di:5"
        "（离散输入），或 40101 这样的 Modicon 写法",
    )


def full_width(text: str) -> Refusal:
    """Refuse an address typed with a Chinese input method."""
    return Refusal(
        f"{text!r} holds full-width characters",
        f"{text!r} 中有全角字符",
        hint="type the address in half-width characters, such as hr:100",
        hint_zh="切换到半角重新输入，例如 hr:100",
    )


def beyond_table(start: int, width: int) -> Refusal:
    """Refuse what ends above address 65535."""
    return Refusal(
        f"address {start} with {width} in a row ends above 65535",
        f"地址 {start} 起共 {width} 个，超出 65535",
        hint="check the address; those of hr:, ir:, co: and di: count from 0",
        hint_zh="请核对地址；hr:、ir:、co:、di: 的地址从 0 数起",
    )


def beyond_modicon(text: str) -> Refusal:
    """Refuse a Modicon number outside 1 to 65536."""
    return Refusal(
        f"{text} is outside its table",
        f"{text} 超出该区范围",
        hint="Modicon numbers count from 1: 40001 is hr:0, 465536 is hr:65535",
        hint_zh="Modicon 编号从 1 数起：40001 即 hr:0，465536 即 hr:65535",
    )


def suffix_on_bit_table() -> Refusal:
    """Refuse a register's suffix on a coil or input."""
    return Refusal(
        "a coil or discrete input takes no .bit, /length or @suffix",
        "线圈和离散输入后面不能带 .位号、/长度 或 @后缀",
        hint="write co:5 or di:5; for a bit of a register hr:100.3",
        hint_zh="写成 co:5 或 di:5；取寄存器的某一位写 hr:100.3",
    )


def does_not_fit(width: int, max_registers: int) -> Refusal:
    """Refuse a value that no single request can carry."""
    return Refusal(
        f"the value takes {width} registers, one request carries 1 to {max_registers}",
        f"该值占 {width} 个寄存器，一次请求只能读 1 到 {max_registers} 个",
        hint="shorten the string, or raise max_registers if the device allows it",
        hint_zh="缩短字符串；设备允许时可调大 max_registers",
    )


def unknown_suffix(suffix: str) -> Refusal:
    """Refuse a suffix that is none, or the second of its kind."""
    return Refusal(
        f"@{suffix} is not understood here",
        f"@{suffix} 无法识别，或与前面的后缀重复",
        hint="a byte order is @ABCD, @CDAB, @BADC or @DCBA; a text takes @gb18030, @utf-8 or "
        "@latin-1, a date @unix32, @bcd, …, a fixed-point number @q8; each at most once",
        hint_zh="字节顺序用 @ABCD、@CDAB、@BADC 或 @DCBA；字符串编码用 "
        "@gb18030、@utf-8 或 @latin-1；日期时间用 @unix32、@bcd 等；定点数用 @q8；每种最多写一个",
    )


def bits_backwards(first: int, last: int) -> Refusal:
    """Refuse a bit field written from high to low."""
    return Refusal(
        f"bits {first}-{last} run backwards",
        f"位段 {first}-{last} 前大后小",
        hint=f"write the lowest bit first: .{last}-{first}",
        hint_zh=f"低位写在前面：.{last}-{first}",
    )


def mask_empty() -> Refusal:
    """Refuse a mask without a bit."""
    return Refusal(
        "a mask of 0 selects nothing",
        "掩码为 0，取不到任何位",
        hint="set the bits that are wanted, such as hr:100&0x0F00 for bits 8 to 11",
        hint_zh="把要取的位置 1，例如取第 8 到 11 位写成 hr:100&0x0F00",
    )


def fraction_out_of_range(suffix: str) -> Refusal:
    """Refuse a fixed point that no type has."""
    return Refusal(
        f"@{suffix}: a fixed-point number has 1 to 32 bits after the point",
        f"@{suffix}：定点数的小数位数应为 1 到 32 位",
        hint="write @q8 for 8 bits, a resolution of 1/256",
        hint_zh="8 位小数（分辨率 1/256）写成 @q8",
    )


def array_as_value() -> Refusal:
    """Refuse an array where one value is wanted."""
    return Refusal(
        "an array is several values, only one is wanted here",
        "数组包含多个值，这里只能取一个值",
        hint="write the address of one value, without [ ]",
        hint_zh="只写一个值的地址，不要带 [ ]",
    )


def array_size(count: int, most: int) -> Refusal:
    """Refuse an array of nothing, or of too much."""
    return Refusal(
        f"an array of {count} values",
        f"数组有 {count} 个元素",
        hint=f"an array has 1 to {most} values",
        hint_zh=f"数组应有 1 到 {most} 个元素",
    )


def array_overlaps(stride: int, width: int) -> Refusal:
    """Refuse an array whose values would share addresses."""
    return Refusal(
        f"values of {width} addresses each cannot stand {stride} apart",
        f"每个值占 {width} 个地址，间隔 {stride} 会相互重叠",
        hint=f"the number after the colon counts from begin to begin: at least {width}",
        hint_zh=f"冒号后面是相邻两个值起始地址之差，至少为 {width}",
    )
