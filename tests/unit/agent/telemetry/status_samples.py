"""Snapshots of a small machining shop, as the agent would give them: well, and in trouble."""

from __future__ import annotations

from dataclasses import replace

from agent.telemetry.status import (
    Count,
    DestinationStatus,
    DeviceState,
    DeviceStatus,
    EquipmentRate,
    Message,
    RateStatus,
    ServiceRemark,
    Status,
    StoreStatus,
    TagStatus,
)
from drivers.api import Identity

NOW_MS = 1_795_400_000_000


def tag(name, value, **fields):
    """Make a good tag, one second old, unless told otherwise."""
    standard = {"description": "", "unit": "", "quality": 192, "reason": ""}
    return TagStatus(name=name, value=value, **{**standard, "time_ms": NOW_MS - 1000, **fields})


def cnc_tags(state="running", program="O1203.NC"):
    """Make the points of a lathe."""
    return (
        tag("machine.state", state, description="机床状态"),
        tag("program.name", program, description="程序名"),
        tag("spindle.speed", 2998.7000000000003, description="主轴转速", unit="{rev}/min"),
        tag("spindle.load", 41.25, description="主轴负载", unit="%"),
        tag("feed.rate", 850.0, description="进给速度", unit="mm/min"),
        tag("part.count", 1234, description="工件计数"),
        tag("axis.x.position", -120.5345, unit="mm"),
        tag("axis.z.position", 88.0, unit="mm"),
        tag("tool.number", 7, description="刀号"),
        tag(
            "energy.total", None, description="总电能", unit="kW.h", quality=0,
            reason="BadNoCommunication", time_ms=NOW_MS - 61_000,
        ),
    )  # fmt: skip


def device(id_, name, state=DeviceState.ONLINE, **fields):
    """Make a device that is well unless told otherwise."""
    standard = {
        "driver": "opcua",
        "link": "opc.tcp://192.168.10.21:4840",
        "workshop": "一车间",
        "line": "车削线",
        "since_ms": NOW_MS - 3_600_000,
        "last_data_ms": NOW_MS - 1000,
        "machine_state": "running",
        "reads": 86_400,
        "failures": 3,
        "missed": 0,
        "lost_changes": 0,
        "values": 864_000,
        "problem": None,
        "tags": cnc_tags(),
    }
    return DeviceStatus(id=id_, name=name, state=state, **{**standard, **fields})


def meter():
    """Make the energy meter of a manual lathe."""
    return device(
        "L5-METER", "普车电表", driver="modbus", link="modbus://192.168.10.60:502",
        machine_state="unknown", on_line=3,
        identity=Identity(maker="示例仪表", model="DTSD-1352", serial="2405-0093",
                          firmware="V1.06", raw=(("VendorName", "示例仪表"),)),
        tags=(
            tag("current.l1", None, description="A 相电流", unit="A", quality=0,
                reason="BadConfigurationError", address="hr:40"),
            tag("voltage.l1", 229.4, description="A 相电压", unit="V"),
            tag("power.active", 3.42, description="有功功率", unit="kW"),
            tag("energy.total", 18_204.6, description="总电能", unit="kW.h"),
        ),
    )  # fmt: skip


def remarks():
    """Make what a driver says of a server with little room."""
    return (
        ServiceRemark(
            "default", "polled_instead",
            Message("12 of 40 points are read every 1 s instead of being subscribed to",
                    "12 个点改为轮询，每 1 秒读一次；服务器拒绝订阅：它的监视项数量已达上限"
                    "（BadTooManyMonitoredItems）"),
            degraded=True, points=12, tags=("axis.z.position", "tool.number"),
        ),
        ServiceRemark(
            "fast", "several_requests",
            Message("4 requests subscribe to the points: 10 in one (FANUC)",
                    "订阅分 4 次请求完成，每次 10 个点（服务器类型：FANUC）"),
            degraded=False, points=0, tags=(),
        ),
    )  # fmt: skip


def shop():
    """Make seven machines, each in another state."""
    return (
        device("L1", "数控车床 CK6150"),
        device("L2", "数控车床 CK6150", machine_state="idle", tags=cnc_tags("idle")),
        device("L3", "数控车床 CAK5085", machine_state="alarm", tags=cnc_tags("alarm")),
        device("V1", "立式加工中心 VMC850", line="铣削线", machine_state="setup",
               tags=cnc_tags("setup", "FLANGE-03.MPF")),
        device("V2", "立式加工中心 VMC850", line="铣削线", remarks=remarks()),
        device("P1", "液压机 YH32-315", driver="modbus", link="modbus://192.168.10.50:502",
               workshop="二车间", line="", machine_state="off",
               tags=(tag("machine.state", "off", description="机床状态"),
                     tag("pressure.main", 12.5, description="主缸压力", unit="MPa"))),
        meter(),
    )  # fmt: skip


def store(**fields):
    """Make a store in balance with nothing but the last second waiting."""
    standard = {
        "epoch": "01KAR5Z8Q4",
        "stored": Count(1_204_331, 18_064_965),
        "acked": Count(1_204_319, 18_064_785),
        "rejected": Count(),
        "dropped": Count(),
        "waiting": Count(12, 180),
        "waiting_bytes": 9_412,
        "limit_bytes": 1_024_000_000,
        "oldest_ms": NOW_MS - 900,
        "intake_frames": 2,
        "commits": 86_399,
        "problem": None,
    }
    return StoreStatus(**{**standard, **fields})


def destination(**fields):
    """Make a connected platform."""
    standard = {
        "name": "platform",
        "url": "mqtts://iot.example.cn:8883",
        "protocol": "mqtt5",
        "connected": True,
        "since_ms": NOW_MS - 7_200_000,
        "connects": 2,
        "in_flight": 1,
        "sent_messages": 86_012,
        "acked_messages": 86_011,
        "problem": None,
    }
    return DestinationStatus(**{**standard, **fields})


def two_destinations():
    """Make the snapshot of a gateway with two platforms, one away; each has rows of its own."""
    first = destination(
        name="province", ack="watermark", unconfirmed=37,
        rows=store(acked=Count(1_204_282, 18_064_230), waiting=Count(49, 735)),
    )  # fmt: skip
    second = destination(
        name="cloud", url="mqtts://cloud.example.cn:8883", connected=False, policy="best_effort",
        in_flight=0,
        rows=store(
            stored=Count(1_000_000, 15_000_000), acked=Count(900_000, 13_500_000),
            dropped=Count(60_000, 900_000), waiting=Count(40_000, 600_000),
            causes={"behind": Count(60_000, 900_000)},
        ),
    )  # fmt: skip
    return replace(well(), destinations=(first, second))


def machine(id_, name, status, message, **fields):
    """Make a machine of the ledger."""
    standard = {
        "device": id_,
        "control_type": "CNC",
        "declared": True,
        "level": "E4",
        "reason": status,
    }
    return EquipmentRate(
        id=id_, name=name, status=status, message=message, **{**standard, **fields}
    )


VERIFIED = Message(
    en="data on 22 of the last 30 days (15 needed), values change",
    zh="近 30 天有 22 天采到有效数据（要求 15 天），数值有变化",
)
NO_DEVICE = Message(
    en="the ledger names no device for it; connect it and enter the device",
    zh="台账中未登记采集设备；请接入后填写",
)


def rate(**fields):
    """Make the rate of a shop whose declaration is only partly proven."""
    standard = {
        "method": "mean",
        "control_set": "strict",
        "as_of_ms": NOW_MS,
        "declared": (67, 90),
        "adjusted": (67, 90),
        "verified": (43, 90),
        "coverage": (6, 9),
        "null_reason": "",
        "by_method": {"mean": ((67, 90), (43, 90)), "any": ((4, 4), (2, 4))},
        "equipment": (
            machine("L1", "数控车床 CK6150", "verified", VERIFIED),
            machine("V1", "立式加工中心 VMC850", "verified", VERIFIED),
            machine("L4", "数控车床", "unverified", NO_DEVICE, device=None, level="E0",
                    reason="no_device"),
            machine("V3", "立式加工中心", "contradicted", Message(
                en="the data of device V2 are also claimed by V2", zh="与 V2 登记了同一个采集设备"),
                device="V2", reason="same_source"),
            machine("L5", "普通车床 C6140", "not_claimed", Message(
                en="control type manual does not count", zh="控制方式为 manual，不计入数控设备"),
                control_type="manual", declared=False, level="E2"),
        ),
    }  # fmt: skip
    return RateStatus(**{**standard, **fields})


def well():
    """Make the snapshot of a day on which nothing is wrong."""
    return Status(
        version="0.1.0",
        gateway="gw-hb-0001",
        gateway_name="一车间网关",
        enterprise="襄阳示例精密机械有限公司",
        language="zh",
        started_ms=NOW_MS - 3 * 86_400_000,
        now_ms=NOW_MS,
        clock="sync",
        ready=True,
        devices=shop(),
        store=store(),
        destinations=(destination(),),
        rate=rate(),
    )


UNPLUGGED = Message(
    en="No answer from 192.168.10.50:502. Check power and network cable of the press; "
    "the gateway reconnects by itself.",
    zh="192.168.10.50:502 无应答。请检查液压机电源和网线（电柜左下角交换机 3 号口）；"
    "恢复后自动重连。",
)


def one_down():
    """Make the snapshot in which the press is unplugged and a lathe has a bad point."""
    press = replace(
        well().devices[5], state=DeviceState.BACKOFF, machine_state="unknown", problem=UNPLUGGED,
        last_data_ms=NOW_MS - 754_000, failures=211, missed=740,
        tags=tuple(
            replace(t, value=None, quality=0, reason="BadNoCommunication", time_ms=NOW_MS - 754_000)
            for t in well().devices[5].tags
        ),
    )  # fmt: skip
    devices = well().devices
    lathe = replace(devices[1], state=DeviceState.DEGRADED)
    return replace(well(), devices=(devices[0], lathe, *devices[2:5], press, devices[6]))


def broker_away():
    """Make the snapshot after 13 hours without the platform."""
    return replace(
        well(),
        clock="hold",
        store=store(
            acked=Count(1_100_000, 16_500_000), waiting=Count(104_331, 1_564_965),
            waiting_bytes=81_842_112, oldest_ms=NOW_MS - 13 * 3_600_000,
        ),
        destinations=(
            destination(
                connected=False, since_ms=NOW_MS - 13 * 3_600_000, in_flight=0,
                problem=Message(
                    en="iot.example.cn:8883 does not answer; check the way to the internet",
                    zh="iot.example.cn:8883 无应答，请检查外网；恢复后自动补传",
                ),
            ),
        ),
    )  # fmt: skip


def empty():
    """Make the snapshot of an agent that was just started without any device."""
    nothing = Count()
    return replace(
        well(), devices=(), started_ms=NOW_MS - 4000, clock="free", ready=True,
        store=store(stored=nothing, acked=nothing, waiting=nothing, waiting_bytes=0,
                    oldest_ms=None, intake_frames=0, commits=0),
        rate=rate(declared=None, adjusted=None, verified=None, coverage=None,
                  null_reason="no_key_process", equipment=()),
    )  # fmt: skip


def hostile():
    """Make a snapshot in which every text from outside tries to be a script."""
    attack = '"><script>window.hit=1</script><img src=x onerror="window.hit=1">'
    evil = device(
        "L1", attack, identity=Identity(*[attack] * 5),
        workshop=attack, line=attack, link=attack, machine_state=attack,
        problem=Message(en=attack, zh=attack), state=DeviceState.DEGRADED,
        tags=(
            tag("program.name", attack, description=attack, unit=attack, reason=attack, quality=0),
            tag("machine.state", attack),
            tag("raw", b"\xff<script>"),
            tag("big", 2**70),
            tag("refused", None, quality=0, reason="BadOutOfRange", address=attack),
        ),
    )  # fmt: skip
    wrong = Message(en=attack, zh=attack)
    return replace(
        well(), devices=(evil,), gateway_name=attack, enterprise=attack, clock=attack,
        destinations=(destination(name=attack, url=attack, problem=wrong),),
        store=store(problem=wrong),
        rate=rate(method=attack, control_set=attack, null_reason=attack, declared=None,
                  equipment=(machine("L1", attack, attack, wrong, device=attack),)),
    )  # fmt: skip


SAMPLES = {
    "well": well,
    "one_down": one_down,
    "broker_away": broker_away,
    "empty": empty,
    "hostile": hostile,
}
"""Name -> what makes the snapshot."""
