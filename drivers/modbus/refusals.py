"""Why an address cannot be read and what to write instead, in Chinese and English.

One function per mistake; the texts are read by the person who filled in the point table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import AddressProblem

if TYPE_CHECKING:
    from drivers.api import DataType, Tag


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


def unknown_order(name: str) -> Refusal:
    """Refuse an order suffix that is none of the four."""
    return Refusal(
        f"@{name} is not a byte order",
        f"@{name} 不是有效的字节顺序",
        hint="use @ABCD, @CDAB, @BADC or @DCBA",
        hint_zh="请用 @ABCD、@CDAB、@BADC 或 @DCBA",
    )


def bit_beyond_register(bit: int) -> Refusal:
    """Refuse a bit number above 15."""
    return Refusal(
        f"a register has no bit {bit}",
        f"寄存器没有第 {bit} 位",
        hint="bits are numbered 0 (lowest) to 15",
        hint_zh="位号从 0（最低位）到 15",
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
        "a coil or discrete input takes no .bit, /length or @order",
        "线圈和离散输入后面不能带 .位号、/长度 或 @顺序",
        hint="write co:5 or di:5; for a bit of a register hr:100.3",
        hint_zh="写成 co:5 或 di:5；取寄存器的某一位写 hr:100.3",
    )


def number_in_bit_table(data_type: DataType) -> Refusal:
    """Refuse a number or text in a table of bits."""
    return Refusal(
        f"a coil or discrete input is a bool, not {data_type}",
        f"线圈和离散输入只能是 bool，不能是 {data_type}",
        hint="set the type to bool, or use hr: or ir: if it is a register",
        hint_zh="类型改为 bool；如果实际是寄存器，请用 hr: 或 ir:",
    )


def eight_bits(data_type: DataType) -> Refusal:
    """Refuse half a register."""
    return Refusal(
        f"{data_type} is not supported by the modbus driver",
        f"modbus 驱动不支持 {data_type} 类型",
        hint="read the register as uint16, or single bits as hr:100.3",
        hint_zh="按 uint16 读整个寄存器，或按 hr:100.3 取位",
    )


def bit_suffix_on(data_type: DataType) -> Refusal:
    """Refuse a bit number beside a type that is no bit."""
    return Refusal(
        f"one bit of a register is not a {data_type}",
        f"寄存器的一位不能是 {data_type} 类型",
        hint="set the type to bit, or drop the .bit from the address",
        hint_zh="类型改为 bit，或去掉地址中的位号",
    )


def length_suffix_on(data_type: DataType) -> Refusal:
    """Refuse a text length beside a type that is no text."""
    return Refusal(
        f"/length belongs to text, the type is {data_type}",
        f"/长度 只用于字符串，而类型是 {data_type}",
        hint="set the type to string, or drop the /length: numbers know theirs",
        hint_zh="类型改为 string，或去掉 /长度：数值类型的长度是固定的",
    )


def type_missing() -> Refusal:
    """Refuse a register without a type."""
    return Refusal(
        "the type is missing: a register does not tell what it holds",
        "缺少类型：寄存器本身不说明存的是什么",
        hint="set the type from the machine's manual: int16, uint16, int32, uint32, float32, …",
        hint_zh="按设备手册填写类型：int16、uint16、int32、uint32、float32 等",
    )


def bit_number_missing() -> Refusal:
    """Refuse type bit without a bit number."""
    return Refusal(
        "type bit without a bit number",
        "类型为 bit，但没有写位号",
        hint="write hr:100.3 for bit 3, or set the type to bool (true when not 0)",
        hint_zh="第 3 位写成 hr:100.3；若整个寄存器非 0 即真，类型改为 bool",
    )


def length_missing() -> Refusal:
    """Refuse text without a length."""
    return Refusal(
        "a string without a length",
        "字符串没有写长度",
        hint="write hr:100/8 for 8 registers, which hold 16 bytes",
        hint_zh="占 8 个寄存器（16 个字节）写成 hr:100/8",
    )


def does_not_fit(width: int, max_registers: int) -> Refusal:
    """Refuse a value that no single request can carry."""
    return Refusal(
        f"the value takes {width} registers, one request carries 1 to {max_registers}",
        f"该值占 {width} 个寄存器，一次请求只能读 1 到 {max_registers} 个",
        hint="shorten the string, or raise max_registers if the device allows it",
        hint_zh="缩短字符串；设备允许时可调大 max_registers",
    )


def order_too_long(name: str, data_type: DataType) -> Refusal:
    """Refuse eight letters for a value that has no eight bytes."""
    return Refusal(
        f"@{name} names 8 bytes, {data_type} has not that many",
        f"@{name} 对应 8 个字节，{data_type} 没有这么长",
        hint="use @ABCD, @CDAB, @BADC or @DCBA",
        hint_zh="请用 @ABCD、@CDAB、@BADC 或 @DCBA",
    )


def text_has_no_word_order(name: str) -> Refusal:
    """Refuse a word order on text."""
    return Refusal(
        f"@{name} would put the registers of a string in reverse",
        f"@{name} 会把字符串的寄存器顺序颠倒",
        hint="use @ABCD, or @BADC if each pair of characters is swapped",
        hint_zh="用 @ABCD；若每两个字符前后颠倒，用 @BADC",
    )
