"""What can be wrong with a proof file: stable codes, and their sentences in both languages.

The container, the journal and the digests bring sentences of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from typing import Any


class Code(StrEnum):
    """Code of a finding; stable, never renamed."""

    CONTAINER = "container"
    MEMBER_MISSING = "member_missing"
    MANIFEST = "manifest"
    FORMAT = "format"
    SIGNATURE = "signature"
    OTHER_KEY = "other_key"
    CHANGED = "changed"
    UNREADABLE = "unreadable"
    JOURNAL_CHAIN = "journal_chain"
    DIGEST_CHAIN = "digest_chain"
    DAY_DIGEST = "day_digest"
    JOURNAL_DIGEST = "journal_digest"
    JOURNAL_BACKDATED = "journal_backdated"
    """The one that is a remark: the file stays sound."""
    HEADER = "header"
    RULES = "rules"
    FIGURE = "figure"
    REPORT = "report"


_SENTENCES = {
    Code.MEMBER_MISSING: Message(en="is missing", zh="缺少该成员"),
    Code.MANIFEST: Message(en="cannot be read: {seen}", zh="清单无法读取：{seen}"),
    Code.FORMAT: Message(
        en="is of format {seen}; this program reads chulian-proof 1 and 2",
        zh="格式为 {seen}；本程序只能读取 chulian-proof 1 和 2",
    ),
    Code.SIGNATURE: Message(
        en="the signature does not fit the manifest and the key",
        zh="签名与清单、公钥不符",
    ),
    Code.OTHER_KEY: Message(
        en="is signed with the key {seen}, not with the key given",
        zh="签名所用公钥为 {seen}，不是指定的公钥",
    ),
    Code.CHANGED: Message(
        en="was changed after it was signed: {seen}", zh="签名之后被改动：{seen}"
    ),
    Code.UNREADABLE: Message(en="cannot be read: {seen}", zh="内容无法读取：{seen}"),
    Code.JOURNAL_DIGEST: Message(
        en="was sealed with another journal of the ledger than the one in this file: {seen}",
        zh="封存时的台账记录与本文件中的不是同一份：{seen}",
    ),
    Code.JOURNAL_BACKDATED: Message(
        en="bears a day that had been sealed before it was written down ({seen}): the gateway's "
        "clock was slow or set back then. The order of the journal holds, this day does not",
        zh="写入时其登记日期已经封存（{seen}）：当时网关时钟偏慢或被往回拨。"
        "记录的先后顺序可信，这一登记日期不可信",
    ),
    Code.HEADER: Message(
        en="says something else than the members it lists: {seen}",
        zh="清单所述与所列成员不符：{seen}",
    ),
    Code.RULES: Message(
        en="was made under rules {seen}; this program computes by others, so its figures could "
        "not be computed again",
        zh="按规则 {seen} 生成，本程序的规则版本不同，无法重算其中的数字",
    ),
    Code.FIGURE: Message(
        en="does not follow from ledger and evidence: {seen}",
        zh="与台账和采集情况重算的结果不符：{seen}",
    ),
    Code.REPORT: Message(
        en="is not the report that these figures make: {seen}",
        zh="不是由这些数字生成的报告：{seen}",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth a remark, and where."""

    code: Code
    member: str
    """Name of the member; empty for the file as a whole."""
    line: int | None
    """Line within it, from 1; None where no line is meant."""
    message: Message

    def document(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        return {
            "code": self.code.value,
            "member": self.member,
            "line": self.line,
            "message": {"en": self.message.en, "zh": self.message.zh},
        }


def finding(code: Code, member: str = "", *, line: int | None = None, seen: object = "") -> Finding:
    """Make a finding; `seen` is what was found there."""
    said = _SENTENCES[code]
    text = str(seen)
    return Finding(
        code, member, line, Message(en=said.en.format(seen=text), zh=said.zh.format(seen=text))
    )
