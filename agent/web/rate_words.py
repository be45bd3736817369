"""What the page says about the rate's history and about the ledger, in both languages."""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import Message

IN_WORDS: Final = Message(
    en="Of {declared} machines declared as numerically controlled, {verified} are verified by "
    "data, {unverified} are not yet, {contradicted} are contradicted.",
    zh="申报的 {declared} 台数控设备中：数据已验证 {verified} 台，待验证 {unverified} 台，"
    "有矛盾 {contradicted} 台。",
)
GAP: Final = Message(en="gap", zh="差距")
POINTS: Final = Message(en="points", zh="个百分点")
GAP_MEANS: Final = Message(en="declared, not yet verified", zh="已申报、尚未验证")
LAST_SEEN: Final = Message(en="last seen", zh="最近数据")
NEVER_SEEN: Final = Message(en="no data in the period", zh="证据期内无数据")
DAYS_SEEN: Final = Message(en="{days} of {of} days", zh="{of} 天中 {days} 天有数据")
ALSO: Final = Message(en="also found: ", zh="另有疑点：")
KEY: Final = Message(
    en="Daily digests are signed; fingerprint of this gateway's key: {key}",
    zh="每日数据摘要已签名，本网关密钥指纹：{key}",
)

FINDINGS: Final = {
    "duplicate_endpoint": Message(en="two devices read one address", zh="两个采集设备读同一地址"),
    "simulator": Message(en="says it is a simulator", zh="自报为模拟器"),
    "identity_mismatch": Message(en="another controller than declared", zh="与台账登记的系统不符"),
    "copied": Message(en="a copied series", zh="数据与他机或往日雷同"),
    "flat_line": Message(en="running while nothing moves", zh="显示运行但数值不动"),
    "no_transition": Message(en="state never changes", zh="状态从不变化"),
    "counter_back": Message(en="a counter runs backwards", zh="计数器倒退"),
    "too_regular": Message(en="changes too regularly", zh="变化过于规律"),
    "outside_shifts": Message(en="runs outside the shifts", zh="运行时间在班次之外"),
    "alike": Message(en="like another machine", zh="与另一台设备节拍相同"),
    "duplicate_serial": Message(en="serial number of another", zh="出厂编号与他机相同"),
}

HISTORY: Final = Message(en="History of the rate", zh="历史数控化率")
BY_MONTH: Final = Message(en="by month, on its last day", zh="按月，取当月最后一日")
BY_DAY: Final = Message(en="by day", zh="按日")
CHANGED: Final = Message(en="What changed, and why", zh="变化及原因")
NOTHING_CHANGED: Final = Message(en="nothing in this time", zh="此期间没有变化")
CHART: Final = Message(
    en="declared and verified rate from {first} to {last}", zh="{first} 至 {last} 申报与已验证比例"
)

LEDGER: Final = Message(en="Ledger", zh="台账")
BACK: Final = Message(en="status", zh="状态")
ENTERPRISE: Final = Message(en="Enterprise", zh="企业")
PROCESSES: Final = Message(en="Processes", zh="工序")
EQUIPMENT: Final = Message(en="Machines", zh="设备")
EDITS: Final = Message(en="Latest edits", zh="最近修改")
NAME: Final = Message(en="process", zh="工序")
COUNTS: Final = Message(en="counts", zh="是否计入")
CONTROL: Final = Message(en="control", zh="控制方式")
RUNS: Final = Message(en="processes", zh="可承担工序")
DEVICE: Final = Message(en="device", zh="采集设备")
IS_KEY: Final = Message(en="key process", zh="关键工序")
NO_KEY: Final = Message(en="not key", zh="非关键工序")
OUTSOURCED: Final = Message(en="outsourced: {who}", zh="外协：{who}")
NO_EDITS: Final = Message(
    en="nothing has been written down yet", zh="还没有修改记录"
)  # fmt: skip
NO_LEDGER: Final = Message(
    en="The ledger is empty: enter processes and equipment in the configuration, or import a "
    "spreadsheet (chulian ledger import).",
    zh="台账为空：请在配置文件中填写 processes 和 equipment，或用 chulian ledger import 导入表格。",
)
HOW_TO_EDIT: Final = Message(
    en="The ledger is also edited in the configuration file or by spreadsheet: "
    "chulian ledger export, chulian ledger import.",
    zh="也可以直接编辑配置文件，或用表格修改：chulian ledger export、chulian ledger import。",
)
EDIT_HERE: Final = Message(en="Log in and edit the ledger", zh="登录并修改台账")
REASON: Final = Message(en="reason: {note}", zh="原因：{note}")
DAMAGED: Final = Message(
    en="The journal is damaged from line {line} on: {why}. See chulian ledger verify.",
    zh="修改记录自第 {line} 行起已损坏：{why}。请运行 chulian ledger verify。",
)
ADDED: Final = Message(en="added", zh="新增")
CHANGED_FIELDS: Final = Message(en="changed: {fields}", zh="修改：{fields}")
REMOVED: Final = Message(en="removed", zh="删除")
SOURCES: Final = {
    "config": Message(en="configuration file", zh="配置文件"),
    "spreadsheet": Message(en="spreadsheet", zh="表格导入"),
    "page": Message(en="local page", zh="本地页面"),
    "journal": Message(en="new journal", zh="另起记录"),
}
KINDS: Final = {
    "enterprise": Message(en="enterprise", zh="企业"),
    "location": Message(en="place", zh="地点"),
    "process": Message(en="process", zh="工序"),
    "equipment": Message(en="machine", zh="设备"),
}
