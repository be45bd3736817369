"""What `chulian rate --export` and `--verify` say, to a person and to a program."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from agent.cli.output import print_json
from agent.kpi.region import percent_text
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from agent.proof.findings import Finding
    from agent.proof.verify import Verdict

_FIGURES = {
    "declared": Message(en="declared", zh="申报值"),
    "adjusted": Message(en="adjusted", zh="核减后"),
    "verified": Message(en="verified", zh="数据已验证"),
}


def print_made(path: Path, key_sha256: str, *, lang: str, as_json: bool) -> None:
    """Say what was written, and with which key."""
    if as_json:
        print_json({"file": str(path), "key_sha256": key_sha256})
        return
    said = (
        Message(en=f"written: {path}", zh=f"已生成：{path}"),
        Message(
            en=f"signed with this gateway's key {_grouped(key_sha256)}\n"
            "give this fingerprint to whoever checks the file, by another way than the file",
            zh=f"已用本网关的密钥签名，公钥指纹：{_grouped(key_sha256)}\n"
            "请把指纹通过其他途径告诉核验人，不要只随文件发送",
        ),
    )
    print(*(one.text(lang) for one in said), sep="\n")


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Give everything found as plain JSON types."""
    return {
        "sound": verdict.sound,
        "findings": [one.document() for one in verdict.findings],
        "remarks": [one.document() for one in verdict.remarks],
        "key_sha256": verdict.key_sha256,
        "key_pinned": verdict.pinned,
        "reports_compared": list(verdict.reports_compared),
        "header": {k: v for k, v in verdict.header.items() if k != "members"},
        "headline": _headline(verdict.result) if verdict.sound else {},
    }


def print_verdict(verdict: Verdict, *, lang: str) -> None:
    """Print what was found for a person."""
    for line in (*_head(verdict), *_outcome(verdict, lang), *_key(verdict)):
        print(_printable(line if isinstance(line, str) else line.text(lang)))


def _head(verdict: Verdict) -> Iterator[Message]:
    header = verdict.header
    if not header:
        return
    named = {key: header.get(key) for key in ("enterprise", "gateway")}
    names = {k: v.get("name") or v.get("id") for k, v in named.items() if isinstance(v, dict)}
    yield Message(
        en=f"{names.get('enterprise')}, gateway {names.get('gateway')}, as of "
        f"{header.get('as_of')}",
        zh=f"{names.get('enterprise')}，网关 {names.get('gateway')}，统计日 {header.get('as_of')}",
    )
    yield Message(
        en=f"data {_grouped(str(header.get('data_sha256')))}",
        zh=f"数据指纹 {_grouped(str(header.get('data_sha256')))}",
    )


def _outcome(verdict: Verdict, lang: str) -> Iterator[str | Message]:
    if not verdict.sound:
        count = len(verdict.findings)
        yield Message(en=f"NOT SOUND: {count} finding(s)", zh=f"核验不通过，共 {count} 处：")
        yield from _listed(verdict.findings, lang)
        return
    yield Message(
        en="sound: every hash is right, and every number follows from ledger and evidence",
        zh="核验通过：校验值全部相符，每一个数字都由台账和采集情况重算得出",
    )
    for name, title in _FIGURES.items():
        yield f"  {title.text(lang)}  {_figure(_headline(verdict.result)[name])}"
    if not verdict.reports_compared:
        yield Message(
            en="the reports were not made again (other versions of the programs that set them, or "
            "a font of that system); that they are unchanged rests on the signature",
            zh="未重新生成报告（排版程序版本不同，或用了该系统的字体）；报告未被改动由签名保证",
        )
    if verdict.remarks:
        count = len(verdict.remarks)
        yield Message(en=f"{count} remark(s); the file stays sound:",
                      zh=f"提示 {count} 条，不影响核验结论：")  # fmt: skip
        yield from _listed(verdict.remarks, lang)


def _listed(findings: Iterable[Finding], lang: str) -> Iterator[str]:
    for one in findings:
        yield f"  {_where(one, lang)}{one.message.text(lang)}  [{one.code}]"


def _key(verdict: Verdict) -> Iterator[Message]:
    if not verdict.key_sha256:
        return
    mark = _grouped(verdict.key_sha256)
    if verdict.pinned:
        yield Message(en=f"key given and compared: {mark}", zh=f"已与指定的公钥比对：{mark}")
        return
    yield Message(en=f"signed with the key {mark}", zh=f"签名公钥的指纹：{mark}")
    if not verdict.sound:
        return
    yield Message(
        en="nobody vouched for this key. The signature shows that the file was not changed after "
        "it was signed; it does not show who signed. Compare the fingerprint with the one shown "
        "at the gateway, or give --key",
        zh="尚未确认该公钥属于谁：签名只能说明文件签名后未被改动，不能说明由谁签名。"
        "请与现场网关上显示的指纹核对，或用 --key 指定公钥",
    )


def _where(one: Finding, lang: str) -> str:
    line = Message(en=f" line {one.line}", zh=f" 第 {one.line} 行").text(lang) if one.line else ""
    return f"{one.member}{line}: " if one.member else ""


def _headline(result: Mapping[str, Any]) -> dict[str, Any]:
    found = result["sets"][result["control_set"]]["rates"][result["method"]]
    return {name: found[name] for name in _FIGURES}


def _figure(figure: Mapping[str, Any]) -> str:
    if "num" not in figure:
        return f"— ({figure.get('null')})"
    share = Fraction(figure["num"], figure["den"])
    return f"{percent_text(share)}% ({share.numerator}/{share.denominator})"


def _printable(text: str) -> str:
    """Keep what a file says from steering the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _grouped(mark: str) -> str:
    return " ".join(mark[at : at + 8] for at in range(0, len(mark), 8))
