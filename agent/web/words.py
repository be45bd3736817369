"""Every fixed word and sentence of the page, in both languages, written for an electrician."""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import DeviceState, Message

MACHINE_STATES: Final = {
    "running": Message(en="running", zh="运行"),
    "idle": Message(en="idle", zh="待机"),
    "alarm": Message(en="alarm", zh="报警"),
    "setup": Message(en="setup", zh="调整"),
    "off": Message(en="off", zh="关机"),
    "unknown": Message(en="unknown", zh="未知"),
}

LINK_STATES: Final = {
    DeviceState.IDLE: Message(en="waiting to start", zh="等待启动"),
    DeviceState.CONNECTING: Message(en="connecting", zh="正在连接"),
    DeviceState.ONLINE: Message(en="online", zh="在线"),
    DeviceState.DEGRADED: Message(en="online, some points fail", zh="在线，部分点位异常"),
    DeviceState.BACKOFF: Message(en="no data, retrying", zh="无数据，自动重连中"),
    DeviceState.FAULTED: Message(en="no data, needs you", zh="无数据，需要处理"),
}

WHAT_TO_DO: Final = {
    DeviceState.BACKOFF: Message(
        en="It does not answer. Check that it has power and that its network cable is plugged in; "
        "the gateway reconnects by itself.",
        zh="设备没有应答。请检查设备是否上电、网线是否插好；恢复后网关会自动重连，不用重启。",
    ),
    DeviceState.FAULTED: Message(
        en="It answers, but refuses us or its settings are wrong. Call whoever set up the "
        "gateway; nothing has to be restarted.",
        zh="设备拒绝访问或配置有误。请联系网关调试人员处理，不用重启。",
    ),
    DeviceState.DEGRADED: Message(
        en="It answers, but some of its points cannot be read; see the table.",
        zh="设备有应答，但部分点位读不到，见下表。",
    ),
}
"""Said when a device is not well and gives no reason of its own."""

QUALITIES: Final = {
    192: Message(en="good", zh="正常"),
    64: Message(en="uncertain", zh="存疑"),
    0: Message(en="bad", zh="无效"),
}

REASONS: Final = {
    "BadNoCommunication": Message(en="no answer", zh="无应答"),
    "BadNotConnected": Message(en="not connected", zh="未连接"),
    "BadTimeout": Message(en="timed out", zh="超时"),
    "BadDeviceFailure": Message(en="device failure", zh="设备故障"),
    "BadSensorFailure": Message(en="sensor failure", zh="传感器故障"),
    "BadOutOfRange": Message(en="address does not exist", zh="地址不存在"),
    "BadNodeIdUnknown": Message(en="node does not exist", zh="节点不存在"),
    "BadNodeIdInvalid": Message(en="node id is wrong", zh="节点地址有误"),
    "BadUserAccessDenied": Message(en="no right to read", zh="无读取权限"),
    "BadConfigurationError": Message(en="configuration error", zh="配置有误"),
    "BadWaitingForInitialData": Message(en="no value yet", zh="尚无数据"),
    "UncertainEngineeringUnitsExceeded": Message(en="outside its limits", zh="超出上下限"),
    "UncertainLastUsableValue": Message(en="an old value", zh="旧值"),
}
"""Symbolic status -> what it means; the symbol itself is always shown beside it."""

CLOCKS: Final = {
    "sync": Message(en="clock is set", zh="时钟已同步"),
    "hold": Message(en="clock runs on its own", zh="时钟自行走时"),
    "free": Message(en="clock was never set", zh="时钟从未同步"),
}
CLOCK_DO: Final = Message(
    en="The clock was never set, so the times of the data cannot be trusted. "
    "Give the gateway a time server (NTP).",
    zh="时钟从未同步，数据的时间不可信。请为网关配置对时服务器（NTP）。",
)

TITLE: Final = Message(en="Chulian", zh="楚联")
OTHER_LANGUAGE: Final = Message(en="中文", zh="English")
STALE: Final = Message(
    en="No answer from the gateway: what you see has stopped and is no longer true.",
    zh="与网关的连接已中断：以下画面已停止更新，不是当前状态。",
)
LIST_COMMA: Final = Message(en=", ", zh="、")
AND_OTHERS: Final = Message(en=" … ({n} in all)", zh=" 等 {n} 台")
COLON: Final = Message(en=": ", zh="：")

ALL_ONLINE: Final = Message(en="All {n} devices are online", zh="{n} 台设备全部在线")
ONE_ONLINE: Final = Message(en="The device is online", zh="1 台设备在线")
SOME_ONLINE: Final = Message(en="{n} online", zh="{n} 台在线")
NO_DATA: Final = Message(en="{n} without data: {names}", zh="{n} 台无数据：{names}")
STARTING: Final = Message(en="{n} connecting: {names}", zh="{n} 台正在连接：{names}")
POINTS_FAIL: Final = Message(en="{n} with points that fail", zh="{n} 台部分点位异常")
CLAUSE: Final = Message(en=", ", zh="，")
NO_DEVICES: Final = Message(en="No device is set up yet", zh="还没有配置设备")
NO_DEVICES_DO: Final = Message(
    en="Add the machines under devices in agent.yaml, check the file with chulian check, "
    "then restart the service.",
    zh="请在 agent.yaml 的 devices 中添加设备，用 chulian check 检查无误后重启服务。",
)
SENDING: Final = Message(en="Data are reaching the platform", zh="数据正常上传平台")
PLATFORM_THERE: Final = Message(en="The platform is connected", zh="平台已连接")
PLATFORM_AWAY: Final = Message(
    en="The platform cannot be reached; data are kept on this gateway and sent later",
    zh="平台连不上，数据先存在本网关，恢复后自动补传",
)
PLATFORM_DO: Final = Message(
    en="Check the gateway's network cable and the way to the internet. It reconnects by itself "
    "and then sends what waits.",
    zh="请检查网关的网线和外网。恢复后会自动重连并补传，不用重启。",
)
CATCHING_UP: Final = Message(
    en="Catching up: {rows} rows wait, the oldest for {age}",
    zh="正在补传：{rows} 行待发送，最早的已等 {age}",
)
STORE_TROUBLE: Final = Message(en="The local store has a problem", zh="本机存储有故障")
UNBALANCED: Final = Message(
    en="The counts of the store do not add up. Data may be missing; tell the supplier.",
    zh="存储的计数对不上，数据可能有缺失，请联系供应商。",
)

DEVICES: Final = Message(en="Machines", zh="设备")
LAST_DATA: Final = Message(en="data {age}", zh="数据 {age}")
NO_DATA_YET: Final = Message(en="no data yet", zh="还没有数据")
POINT: Final = Message(en="Point", zh="点位")
VALUE: Final = Message(en="Value", zh="数值")
QUALITY: Final = Message(en="Quality", zh="质量")
MORE_POINTS: Final = Message(en="show all {n} points", zh="显示全部 {n} 个点位")
MORE_NOT_GOOD: Final = Message(en=", {n} not good", zh="，其中 {n} 个异常")
FEWER_POINTS: Final = Message(en="show fewer", zh="收起")
COUNTS: Final = Message(
    en="{reads} reads · {failures} failed · {missed} missed · {lost} changes lost",
    zh="读取 {reads} 次 · 失败 {failures} · 漏采 {missed} · 变化丢失 {lost}",
)
GAPS: Final = Message(
    en=" · {gaps} gaps, {past} values filled in from its history",
    zh=" · 缺口 {gaps} 次，已用历史数据补回 {past} 个值",
)
SHARED_LINE: Final = Message(en="one of {n} on this line", zh="同一线路共 {n} 台")
SAYS_IT_IS: Final = Message(en="Says it is {who}", zh="设备自报：{who}")
SERIAL: Final = Message(en="serial no. {serial}", zh="出厂编号 {serial}")
FIRMWARE: Final = Message(en="firmware {version}", zh="固件 {version}")
REFUSED: Final = Message(
    en="Refused by the device ({n}): {addresses}. The others are read around them; "
    "compare the point table with the manual.",
    zh="设备拒绝了 {n} 个地址：{addresses}。其余点位照常采集，请对照说明书核对点表。",
)
DEGRADED: Final = Message(en="Degraded: {what}", zh="降级：{what}")
SERVED: Final = Message(en="Note: {what}", zh="提示：{what}")
REFUSAL_REASONS: Final = frozenset(
    {
        "BadConfigurationError", "BadOutOfRange", "BadNotSupported", "BadNodeIdUnknown",
        "BadNodeIdInvalid", "BadUserAccessDenied",
    }
)  # fmt: skip
"""Symbolic status of a point the device answers and will not give."""

FLOW: Final = Message(en="Where the data are", zh="数据去向")
STORE: Final = Message(en="On this gateway", zh="本机存储")
PLATFORM: Final = Message(en="Platform", zh="上级平台")
CONNECTED: Final = Message(en="connected", zh="已连接")
DISCONNECTED: Final = Message(en="not connected", zh="未连接")
SINCE: Final = Message(en="for {age}", zh="已持续 {age}")
NOTHING_WAITS: Final = Message(en="nothing waits", zh="没有积压")
WAITING: Final = Message(en="{rows} rows wait", zh="{rows} 行待发送")
OLDEST: Final = Message(en="oldest stored {age}", zh="最早一行存于 {age}")
ROOM: Final = Message(en="{used} of {limit} used", zh="已用 {used}，上限 {limit}")
INTAKE: Final = Message(en="{n} frames on their way to disk", zh="{n} 帧正在写入")
MESSAGES: Final = Message(
    en="{sent} messages sent · {acked} confirmed · {flight} under way",
    zh="已发 {sent} 条 · 已确认 {acked} · 在途 {flight}",
)
UNCONFIRMED: Final = Message(
    en="{rows} rows received by the broker, not confirmed by the platform yet",
    zh="{rows} 行已到服务器，尚待平台确认",
)
BEST_EFFORT: Final = Message(
    en="best effort: holds nothing back on this gateway", zh="尽力上报：不占用本机存储"
)
SUM_OF_ROWS: Final = Message(
    en="{stored} rows = {acked} acknowledged + {rejected} refused + {dropped} dropped "
    "+ {waiting} waiting",
    zh="{stored} 行 = 已确认 {acked} + 被拒收 {rejected} + 已丢弃 {dropped} + 待发送 {waiting}",
)
PART_AWAY: Final = Message(
    en="{names} cannot be reached; data for it are kept on this gateway and sent later",
    zh="{names} 连不上，其数据先存在本网关，恢复后自动补传",
)
LAW: Final = Message(en="Is anything lost?", zh="数据有没有丢？")
STORED: Final = Message(en="stored", zh="已入库")
ACKED: Final = Message(en="acknowledged", zh="已确认")
REJECTED: Final = Message(en="refused", zh="被拒收")
DROPPED: Final = Message(en="dropped", zh="已丢弃")
WAITS: Final = Message(en="waiting", zh="待发送")
ROWS: Final = Message(en="rows", zh="行")
VALUES: Final = Message(en="values", zh="数值")
BALANCED: Final = Message(en="adds up: nothing is unaccounted for", zh="账平：每一行都有去向")
LOSSES: Final = Message(
    en="Rows were refused or dropped. Each such range was announced to the platform; the log "
    "says when and why.",
    zh="有数据被拒收或因超限丢弃。每一段都已如实上报平台，时间和原因见日志。",
)
CAUSE_OF_DROP: Final = Message(en="{cause}: {rows} rows", zh="{cause}：{rows} 行")
ON_THEIR_WAY: Final = Message(
    en="produced {produced} values, {n} of them on their way to disk",
    zh="累计产生 {produced} 个数值，其中 {n} 个正在写入磁盘",
)
MISSING: Final = Message(en="What is missing, and why", zh="缺了什么，为什么")
NOTHING_MISSING: Final = Message(en="nothing is known to be missing", zh="没有发现缺失")
SPANS_TITLE: Final = Message(en="when and where", zh="时间与位置")
MORE_SPANS: Final = Message(en="and {n} more: /api/status", zh="另有 {n} 段，见 /api/status")
DATE_UNKNOWN: Final = Message(
    en="date unknown (clock was not set)", zh="时间不详（当时时钟未校准）"
)
UNTIL: Final = Message(en="until", zh="截至")
LASTED: Final = Message(en="lasted", zh="持续")
CAUSE: Final = Message(en="cause", zh="原因")
HOW_MUCH: Final = Message(en="how much", zh="数量")
GATEWAY: Final = Message(en="gateway", zh="网关")
TIMES: Final = Message(en="{n} time(s)", zh="{n} 次")
POLLS: Final = Message(en="polls", zh="次轮询")
CHANGES: Final = Message(en="changes", zh="次变化")
ALARM_COUNT: Final = Message(en="alarms", zh="条报警")
STORE_NOTICE: Final = Message(en="Store", zh="本地存储")
NOT_BALANCED: Final = Message(en="does not add up", zh="账不平")

RATE: Final = Message(en="Key-process CNC rate", zh="关键工序数控化率")
RATE_IN_SHORT: Final = Message(
    en="declared {declared} %, verified by data {verified} %",
    zh="申报 {declared} %，数据已验证 {verified} %",
)
DECLARED: Final = Message(en="declared", zh="申报")
ADJUSTED: Final = Message(en="adjusted", zh="核减后")
VERIFIED: Final = Message(en="verified by data", zh="数据已验证")
COVERAGE: Final = Message(en="machines verified", zh="验证覆盖")
TARGET: Final = Message(en="target {percent} %", zh="目标 {percent} %")
NO_RATE: Final = Message(en="cannot be assessed", zh="无法评定")
METHODS: Final = {
    "any": Message(en="any: one machine is enough", zh="any：有一台数控即算"),
    "all": Message(en="all: every machine", zh="all：全部数控才算"),
    "mean": Message(en="mean over processes", zh="mean：各工序覆盖率的平均"),
    "pool": Message(en="pool: machine-process pairs", zh="pool：按台次合计"),
    "dedup": Message(en="dedup: distinct machines", zh="dedup：按设备台数"),
}
CONTROL_SETS: Final = {
    "strict": Message(en="strict set", zh="窄口径"),
    "broad": Message(en="broad set", zh="宽口径"),
}
MACHINE: Final = Message(en="Machine", zh="设备")
STANDING: Final = Message(en="Standing", zh="认定")
STANDINGS: Final = {
    "verified": Message(en="verified", zh="已验证"),
    "unverified": Message(en="not verified", zh="待验证"),
    "contradicted": Message(en="contradicted", zh="有矛盾"),
    "not_claimed": Message(en="not claimed", zh="未申报"),
}

RUNNING_FOR: Final = Message(en="running for {age}", zh="已运行 {age}")
VERSION: Final = Message(en="version {version}", zh="版本 {version}")

ALARMS: Final = Message(
    en="Alarms of the machine: {told} stored, {repeats} repeats joined, {lost} lost",
    zh="设备报警：已记录 {told} 条，合并重复 {repeats} 条，丢失 {lost} 条",
)
ALARMS_NOT_WATCHED: Final = Message(en="; not received at the moment", zh="；当前未接收")
ALARM_HOLDS: Final = Message(en="active", zh="报警中")
ALARM_OVER: Final = Message(en="over", zh="已解除")
SEVERITY: Final = Message(en="severity {severity}", zh="级别 {severity}")
