"""What every setting of a device means, in Chinese; English stands beside the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.config import JsonDict

_SENTENCES: Mapping[str, str] = {
    "driver": "驱动名称：modbus。",
    "host": "设备或网关的 IP 地址或主机名。",
    "port": "端口，默认 502；network 为 tls 时默认 802。",
    "serial": "本机串口，例如 /dev/ttyUSB0，与 host 二选一。",
    "listen": "本机监听的 地址:端口，等待 DTU 拨入，代替 host。",
    "framing": "报文格式：tcp、rtu 或 ascii。host 默认 tcp，串口和 DTU 默认 rtu；"
    "透传的串口服务器填 host 加 framing: rtu。",
    "network": "连接 host 的方式：tcp、udp 或 tls。",
    "tls_ca": "tls：所信任 CA 的证书（PEM）。",
    "tls_certificate": "tls：本机证书（PEM）。",
    "tls_key": "tls：本机私钥（PEM）。",
    "tls_name": "tls：证书上的名称，与 host 不同时填写。",
    "baud": "串口波特率，默认 9600；串口服务器后面的线路也请填写，用于计算采集时间和报文间隔。",
    "parity": "串口校验：none 无，even 偶，odd 奇。",
    "stop_bits": "串口停止位。",
    "data_bits": "串口数据位；7 位只用于 ascii。",
    "registration": "DTU 的注册包，用来识别是哪一台；写文字或 hex:0A0B。",
    "heartbeat": "DTU 的心跳包，收到即忽略；写文字或 hex:0A0B。",
    "unit": "站号（从站地址）；经网关时用它选择设备。",
    "timeout_s": "等待一次应答的最长时间（秒）；经串口网关时要比网关自身的超时长。",
    "connect_timeout_s": "等待连接建立的最长时间（秒）。",
    "late_s": "没有事务号的线路上，应答最多可能迟到多少秒。",
    "max_registers": "一次请求最多读的寄存器数。",
    "max_bits": "一次请求最多读的线圈或输入数。",
    "max_gap": "为减少请求而顺带读取的空闲地址数；不填则按时间自动权衡，0 表示不读空闲地址。",
    "learn": "自动找出设备拒绝的地址和长度，绕开它们读取。",
    "word_order": "32 位和 64 位的值，哪个寄存器在前。",
    "byte_order": "寄存器内哪个字节在前。",
    "transaction_ids": "如何核对应答。strict：事务号必须一致；unit：只核对站号、功能码和长度；"
    "off：连站号也不核对。用于不返回事务号的网关。",
    "pause_between_s": "收到应答到下一次请求之间的间歇（秒）。",
    "pause_alike_s": "没有事务号时，若下一个应答与先前某个外形相同，先间歇这么久（秒），"
    "以识别重复发送的应答；0 表示不间歇。",
    "pause_after_connect_s": "连接建立到第一次请求之间的间歇（秒）。",
    "close_after_poll": "每次读完就断开连接，用于只允许一个连接的设备。",
    "write_multiple": "写单个寄存器也用功能码 16，用于不支持功能码 6 的设备。",
    "ask_identity": "每天询问一次设备身份（功能码 0x2B）。",
    "identity": "存放设备身份的寄存器。",
    "address": "地址，例如 hr:100/8。",
    "type": "设备侧的数据类型。",
}


def in_chinese(field: str) -> JsonDict:
    """Give the schema's extra entry of a setting: its sentence under `zh`."""
    return {"zh": _SENTENCES[field]}
