"""Every fixed sentence of the pages that edit the ledger, in both languages."""

from __future__ import annotations

from typing import Final

from agent.ledger.records import RecordKind
from agent.telemetry.status import Message

EDIT_TITLE: Final = Message(en="Edit the ledger", zh="修改台账")
LOGIN_TITLE: Final = Message(en="Log in to edit the ledger", zh="登录后修改台账")
HOW_TO_GET: Final = Message(
    en="Whoever administers this gateway runs this command on it and gets a code of 8 digits, "
    "good for 10 minutes and one login:",
    zh="请网关管理员在网关上执行以下命令，得到 8 位验证码（10 分钟内有效，只能登录一次）：",
)
COMMAND: Final = "sudo {program} ledger login -c {file}"
CODE: Final = Message(en="Code", zh="验证码")
WHO: Final = Message(en="Your name", zh="您的姓名")
WHO_MEANS: Final = Message(
    en="Who declares: it stands beside every change you make.",
    zh="即申报人，您所作的每项变更都会记在此姓名下。",
)
ENTER: Final = Message(en="Log in", zh="登录")
LEAVE: Final = Message(en="Log out", zh="退出登录")
WRONG: Final = Message(
    en="This code is wrong, was used already, or is older than 10 minutes. Check the digits, or "
    "ask for a new code.",
    zh="验证码不对、已经用过，或已超过 10 分钟。请核对数字，或重新获取验证码。",
)
TOO_MANY: Final = Message(
    en="Too many codes were tried. Wait {wait} seconds, then try again.",
    zh="尝试次数过多，请等待 {wait} 秒后再试。",
)
NO_NAME: Final = Message(
    en="Type your name, {most} characters at most, on one line.",
    zh="请填写姓名，不换行，最多 {most} 个字。",
)
SIGNED_IN: Final = Message(
    en="Logged in as {who}; ends after 30 minutes without use.",
    zh="当前登录：{who}；30 分钟不操作自动退出。",
)
ENDED: Final = Message(
    en="You are not logged in any more: the session has ended, or the agent was restarted. "
    "Nothing was changed. Log in again; the form can then be sent once more with the browser's "
    "way back.",
    zh="登录已失效（超时，或采集程序已重启），未作任何修改。请重新登录，再用浏览器“后退”回到表单重新提交。",
)
FORGED: Final = Message(
    en="The form does not belong to your session. Nothing was changed. Open the record again.",
    zh="该表单不属于当前登录，未作任何修改。请重新打开该条记录。",
)
GO_LOGIN: Final = Message(en="Log in", zh="前往登录")
TO_LEDGER: Final = Message(en="To the ledger", zh="查看台账")
TO_LIST: Final = Message(en="Back to the list", zh="返回列表")

SECTIONS: Final = {
    RecordKind.ENTERPRISE: Message(en="Enterprise", zh="企业"),
    RecordKind.LOCATION: Message(en="Sites, workshops, lines", zh="厂区、车间、产线"),
    RecordKind.PROCESS: Message(en="Processes", zh="工序"),
    RecordKind.EQUIPMENT: Message(en="Machines", zh="设备"),
}
ONE: Final = {
    RecordKind.ENTERPRISE: Message(en="enterprise", zh="企业"),
    RecordKind.LOCATION: Message(en="place", zh="场所"),
    RecordKind.PROCESS: Message(en="process", zh="工序"),
    RecordKind.EQUIPMENT: Message(en="machine", zh="设备"),
}
ADD: Final = Message(en="add a {what}", zh="新增{what}")
NEW: Final = Message(en="New {what}", zh="新增{what}")
CHANGE: Final = Message(en="Change {what} {id}", zh="修改{what} {id}")
EMPTY: Final = Message(en="none yet", zh="暂无")
OUT_OF_SERVICE: Final = Message(en="until {day}", zh="{day} 止")
SAVED: Final = Message(
    en="Saved, and written down in the history under your name.",
    zh="已保存，并以您的姓名记入变更记录。",
)
IN_FORCE: Final = Message(
    en="The running agent has taken it over.", zh="采集程序已采用新台账，无需重启。"
)
NOT_YET: Final = Message(
    en="The running agent is still taking it over; see the status page.",
    zh="采集程序正在采用新台账，结果请看状态页。",
)
NO_CHANGE: Final = Message(en="Nothing was changed in the form.", zh="内容没有改动。")

CHOOSE: Final = Message(en="(none)", zh="（未填）")
YES: Final = Message(en="yes", zh="是")
NO: Final = Message(en="no", zh="否")
ROW: Final = Message(en="row {n}", zh="第 {n} 行")
CLEAR_ROW: Final = Message(
    en="To delete a row, clear all its fields.", zh="要删除一行，请清空该行所有内容。"
)
MORE_ROWS: Final = Message(en="Add rows", zh="增加空行")
TOO_MANY_ROWS: Final = Message(en="no more rows fit", zh="行数已达上限")
PREVIEW: Final = Message(en="Look at the change", zh="查看变更")
RETIRE: Final = Message(en="Take out of service", zh="停用")
RETIRE_ON: Final = Message(en="Last day", zh="最后一天")
RETIRE_MEANS: Final = Message(
    en="The record stays in the ledger and no longer counts after its last day.",
    zh="记录保留在台账中，最后一天之后不再计入。",
)
REMOVE: Final = Message(en="Delete the record", zh="删除这条记录")
REMOVE_MEANS: Final = Message(
    en="Only for what was entered by mistake. The history keeps what stood here.",
    zh="仅用于录入有误的记录；原内容仍保留在变更记录中。",
)
CORRECT: Final = Message(
    en="Something is wrong: see beside the fields. Nothing was changed.",
    zh="填写有误，见各项旁的说明。未作任何修改。",
)

LOOK: Final = Message(en="Confirm the change", zh="确认变更")
WILL_BE: Final = Message(en="What will change", zh="变更内容")
WAS: Final = Message(en="before", zh="变更前")
IS: Final = Message(en="after", zh="变更后")
FIELD: Final = Message(en="field", zh="项目")
GONE: Final = Message(
    en="The whole record is deleted from the ledger.", zh="整条记录将从台账中删除。"
)
RATE: Final = Message(en="Declared rate ({method}, {set})", zh="申报数控化率（{method}，{set}）")
NO_RATE: Final = Message(en="cannot be assessed", zh="无法评定")
RATE_SAME: Final = Message(en="stays the same", zh="不变")
WILL_ASK: Final = Message(en="An assessor will ask about this", zh="评估人员会追问")
DOUBTS: Final = Message(en="Please check", zh="请核对")
REASON: Final = Message(en="Reason", zh="变更原因")
REASON_MEANS: Final = Message(
    en="Kept in the history beside your name, and shown to whoever checks it. Do not write figures "
    "here that must stay in the house.",
    zh="与您的姓名一起记入变更记录，核查人员可以看到，请勿填写不宜外传的数据。",
)
REASON_WANTED: Final = Message(
    en="Say why: this change is one an assessor will ask about.",
    zh="请填写原因：评估人员会追问这项变更。",
)
REASON_WRONG: Final = Message(
    en="The reason is too long ({most} characters at most), or holds characters that nobody sees.",
    zh="原因过长（最多 {most} 个字），或含有看不见的控制字符。",
)
CONFIRM: Final = Message(en="Confirm and save", zh="确认并保存")
BACK: Final = Message(en="Back to the form", zh="返回修改")
CHANGED_MEANWHILE: Final = Message(
    en="The configuration file was changed by somebody else after you opened this form. Nothing "
    "was written. Where the file now says something else than you typed, it stands beside the "
    "field: compare, correct, and look at the change again.",
    zh="您打开表单之后，配置文件已被他人修改，本次未写入。凡文件现在的内容与您填写的不同，"
    "已标在该项旁：请核对、更正后重新查看变更。",
)
NOW_IN_FILE: Final = Message(en="Now in the file: {value}", zh="文件中现在是：{value}")
GONE_MEANWHILE: Final = Message(
    en="The record was deleted from the file meanwhile: saving adds it anew.",
    zh="该记录已从文件中删除：保存将重新新增。",
)
