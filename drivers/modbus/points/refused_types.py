"""Why an address does not go with its type and what to write instead, in Chinese and English.

One function per mistake; the texts are read by the person who filled in the point table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.modbus.points.refusals import Refusal

if TYPE_CHECKING:
    from drivers.api import DataType


def number_in_bit_table(data_type: DataType) -> Refusal:
    """Refuse a number or text in a table of bits."""
    return Refusal(
        f"a coil or discrete input is a bool, not {data_type}",
        f"线圈和离散输入只能是 bool，不能是 {data_type}",
        hint="set the type to bool, or use hr: or ir: if it is a register",
        hint_zh="类型改为 bool；如果实际是寄存器，请用 hr: 或 ir:",
    )


def bit_suffix_on(data_type: DataType) -> Refusal:
    """Refuse a bit number beside a type that is no bit."""
    return Refusal(
        f"one bit of a register is not a {data_type}",
        f"寄存器的一位不能是 {data_type} 类型",
        hint="set the type to bit, or drop the .bit from the address",
        hint_zh="类型改为 bit，或去掉地址中的位号",
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


def text_suffix_on(data_type: DataType) -> Refusal:
    """Refuse the length or encoding of a text beside a type that is no text."""
    return Refusal(
        f"/length and text encodings belong to text, the type is {data_type}",
        f"/长度 和字符编码只用于字符串，而类型是 {data_type}",
        hint="set the type to string, or drop the suffix: numbers know their length",
        hint_zh="类型改为 string，或去掉该后缀：数值类型的长度是固定的",
    )


def length_zero() -> Refusal:
    """Refuse a text of no register."""
    return Refusal(
        "a string of 0 registers",
        "字符串长度为 0",
        hint="write hr:100/8 for 8 registers, which hold 16 bytes",
        hint_zh="占 8 个寄存器（16 个字节）写成 hr:100/8",
    )


def suffixes_exclude() -> Refusal:
    """Refuse parts of an address that belong to different types."""
    return Refusal(
        "the parts of this address belong to different types",
        "地址中的几个后缀属于不同类型，不能一起用",
        hint="a text takes /length, an order and an encoding; a date its encoding and an order; "
        "a number an order and @q8; bits and masks an order",
        hint_zh="字符串可带 /长度、顺序和编码；日期时间可带格式和顺序；数值可带顺序和 @q8；"
        "取位和掩码可带顺序",
    )


def date_encoding_missing() -> Refusal:
    """Refuse type datetime without the encoding of the date."""
    return Refusal(
        "type datetime without the encoding of the date",
        "类型为 datetime，但没有写日期格式",
        hint="write one of @unix32, @unix64, @unixms64, @y2000, @ymdhms, @ymd_hms_packed, @bcd, "
        "@iec870 after the address, from the machine's manual",
        hint_zh="按设备手册在地址后写上 @unix32、@unix64、@unixms64、@y2000、@ymdhms、"
        "@ymd_hms_packed、@bcd 或 @iec870",
    )


def date_suffix_on(date: str, data_type: DataType) -> Refusal:
    """Refuse the encoding of a date beside a type that is no date."""
    hint, hint_zh = "set the type to datetime", "类型改为 datetime"
    if date == "bcd":
        hint += "; for a number in BCD drop the @bcd and set the type to bcd16, bcd32 or bcd64"
        hint_zh += "；如果是 BCD 码数值，去掉 @bcd，类型填 bcd16、bcd32 或 bcd64"
    return Refusal(
        f"@{date} is the encoding of a date, the type is {data_type}",
        f"@{date} 是日期时间格式，而类型是 {data_type}",
        hint=hint,
        hint_zh=hint_zh,
    )


def field_on(data_type: DataType) -> Refusal:
    """Refuse several bits beside a type that is no plain unsigned number."""
    return Refusal(
        f"several bits of a register are an unsigned number, not a {data_type}",
        f"寄存器的几位只能是无符号整数，不能是 {data_type}",
        hint="set the type to uint16; uint32 or uint64 when the bits lie in several registers",
        hint_zh="类型改为 uint16；跨多个寄存器时用 uint32 或 uint64",
    )


def bits_beyond(bit: int, bits: int) -> Refusal:
    """Refuse a bit above the highest one."""
    return Refusal(
        f"there is no bit {bit}: the highest of {bits} bits is {bits - 1}",
        f"没有第 {bit} 位：共 {bits} 位，最高位是第 {bits - 1} 位",
        hint="the bits of a register are numbered 0 (lowest) to 15; those of a uint32 to 31, of a "
        "uint64 to 63",
        hint_zh="一个寄存器的位号从 0（最低位）到 15；uint32 到 31，uint64 到 63",
    )


def byte_missing(data_type: DataType) -> Refusal:
    """Refuse eight bits of a register without saying which."""
    return Refusal(
        f"{data_type} is half a register, and it is not said which half",
        f"{data_type} 只占半个寄存器，没有写明是高字节还是低字节",
        hint="write hr:100.h for the high byte, hr:100.l for the low byte",
        hint_zh="高字节写成 hr:100.h，低字节写成 hr:100.l",
    )


def byte_suffix_on(data_type: DataType) -> Refusal:
    """Refuse a byte of a register beside a type of another size."""
    return Refusal(
        f"one byte of a register is not a {data_type}",
        f"寄存器的一个字节不能是 {data_type} 类型",
        hint="set the type to uint8 or int8, or drop the .h or .l",
        hint_zh="类型改为 uint8 或 int8，或去掉 .h、.l",
    )


def fraction_on(data_type: DataType) -> Refusal:
    """Refuse a fixed point in a type that has none."""
    return Refusal(
        f"@q is for fixed-point numbers, not for {data_type}",
        f"@q 只用于定点数，不能用于 {data_type}",
        hint="set the type to int16, uint16, int32 or uint32; for decimal places use scale",
        hint_zh="类型改为 int16、uint16、int32 或 uint32；十进制小数请用倍率（scale）",
    )


def fraction_beyond(bits: int, data_type: DataType) -> Refusal:
    """Refuse more bits after the point than the type has."""
    return Refusal(
        f"{bits} bits after the point, {data_type} has fewer bits",
        f"小数占 {bits} 位，超过 {data_type} 的位数",
        hint="take the number of fraction bits from the machine's manual, such as @q8",
        hint_zh="按设备手册填写小数位数，例如 @q8",
    )


def order_too_long(name: str, data_type: DataType) -> Refusal:
    """Refuse eight letters for a value that has no eight bytes."""
    return Refusal(
        f"@{name} names 8 bytes, this {data_type} is another thing",
        f"@{name} 对应 8 个字节，这里的 {data_type} 不是 8 字节数值",
        hint="use @ABCD, @CDAB, @BADC or @DCBA",
        hint_zh="请用 @ABCD、@CDAB、@BADC 或 @DCBA",
    )


def no_word_order(name: str, data_type: DataType) -> Refusal:
    """Refuse a word order on what is a row of registers, each with its own meaning."""
    return Refusal(
        f"@{name} would put the registers of a {data_type} in reverse",
        f"@{name} 会把 {data_type} 的寄存器顺序颠倒",
        hint="use @ABCD, or @BADC if the two bytes of each register are swapped",
        hint_zh="用 @ABCD；若每个寄存器的两个字节前后颠倒，用 @BADC",
    )
