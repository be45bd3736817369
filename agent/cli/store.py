"""`chulian store status|verify|export`: what the outbox holds, whether it is true, rescuing rows.

`status` asks the running agent first, else reads the file; `verify` checks every row of a store
that no agent has open; `export` writes rows as the messages a platform would have got, one a line.
Nothing is changed.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from agent.cli.losses_view import loss_lines, spans_of
from agent.cli.output import Exit, print_json
from agent.cli.running import ask
from agent.clock.seals import Seals
from agent.config.load import load
from agent.losses.causes import title_of
from agent.publish.payload import join_rows
from agent.publish.stamping import RowDates
from agent.store.export import carved_rows, stored_rows
from agent.store.heritage import heritage
from agent.store.inspect import Report, lessons, report
from agent.store.outbox import StoreError
from agent.telemetry.status import Message

if TYPE_CHECKING:
    import argparse

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig

_COUNTS = {
    "stored": Message("stored", "已入库"),
    "acked": Message("acknowledged", "已确认"),
    "rejected": Message("refused", "被拒收"),
    "dropped": Message("dropped", "已丢弃"),
    "waiting": Message("waiting", "待发送"),
}
_DESTINATION = Message("for destination {}:", "上报目标 {}：")
_COUNTED = Message("counted row by row: {} / {}", "逐行核对: {} / {}")
_OWNERLESS = Message(
    "{} rows wait that no destination wants any more", "有 {} 行仍在等待，但已没有任何目标需要"
)
_TRUSTED, _UNTRUSTED = "hold", "free"
"""Whether somebody vouched for the clock when the row was dated: nobody vouches for it now."""


def add_arguments(parser: Parser) -> None:
    """Add what to do."""
    parser.add_argument(
        "action",
        choices=["status", "verify", "export"],
        help=parser.text(
            en="status: the counters; verify: check every row and page; export: rescue rows",
            zh="status：查看计数；verify：逐行校验并检查文件完整性；export：导出数据",
        ),
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help=parser.text(
            en="export: rows that were sent and are kept too", zh="export：连同已发送而保留的数据"
        ),
    )
    parser.add_argument(
        "--file",
        type=Path,
        help=parser.text(
            en="export: of this file, damaged or set aside (.quarantine), whatever is sound",
            zh="export：从指定文件（已损坏或已隔离的 .quarantine）中导出完好的数据",
        ),
    )
    parser.add_argument(
        "--out",
        type=Path,
        help=parser.text(
            en="export: into this file, which must not exist", zh="export：输出文件（须不存在）"
        ),
    )


def run(args: argparse.Namespace) -> int:
    """Show the store; exit code 1 when something in it is not true."""
    config = load(args.config).config
    if args.action == "status":
        running = ask(config.http, "/api/status")
        if running is not None:
            return _show_running(args, running)
    try:
        if args.action == "export":
            return _export(args, config)
        found = report(config.store.path)
    except StoreError as error:
        print(error.zh if args.lang == "zh" else error, file=sys.stderr)
        return Exit.USAGE
    return _show_file(args, config, found)


def _export(args: argparse.Namespace, config: AgentConfig) -> int:
    if args.file is not None:
        rows, kept = carved_rows(args.file), heritage(args.file).lessons
    else:
        kept = lessons(config.store.path)
        rows = stored_rows(config.store.path, everything=args.all)
    dates = RowDates(Seals("", kept))
    with ExitStack() as files:
        out: BinaryIO = sys.stdout.buffer
        if args.out is not None:
            try:
                out = files.enter_context(args.out.open("xb"))
            except OSError as error:
                text = Message(
                    f"{args.out}: cannot be written: {error.strerror}. Name a new file.",
                    f"{args.out}：无法写入：{error.strerror}。请指定一个新文件。",
                )
                print(text.text(args.lang), file=sys.stderr)
                return Exit.USAGE
        count = 0
        for row, epoch in rows:
            clock = _TRUSTED if dates.trusted(row) else _UNTRUSTED
            message = join_rows(
                [dates.dated(row)], gateway=config.gateway.id, epoch=epoch, clock=clock
            )
            out.write(message + b"\n")
            count += 1
        out.flush()
    done = Message(f"{count} rows exported", f"已导出 {count} 行")
    print(done.text(args.lang), file=sys.stderr)
    return Exit.OK


def _show_running(args: argparse.Namespace, running: dict[str, Any]) -> int:
    store = running["store"]
    shares = {one["name"]: one["rows"] for one in running["destinations"] if one["rows"]}
    if args.json:
        told = [{"name": name, **rows} for name, rows in shares.items()]
        print_json({**store, "destinations": told})
    else:
        _print_counts(store, lang=args.lang, balanced=store["balanced"])
        _print_causes(store["causes"], lang=args.lang)
        for name, rows in shares.items():
            _print_law(name, rows, rows["causes"], lang=args.lang, balanced=rows["balanced"])
        for message in filter(None, (store["problem"], store["notice"])):
            print(f"  ! {message[args.lang]}")
        print("\n".join(loss_lines(spans_of(store), lang=args.lang)))
    sound = store["balanced"] and all(rows["balanced"] for rows in shares.values())
    return Exit.OK if sound else Exit.FINDINGS


def _show_file(args: argparse.Namespace, config: AgentConfig, found: Report) -> int:
    counts = {name: asdict(getattr(found.totals, name)) for name in _COUNTS}
    causes = {cause: asdict(count) for cause, count in found.causes.items()}
    if args.json:
        extra = {
            "causes": causes, "found": asdict(found.found), "kept": asdict(found.kept),
            "damaged": found.damaged, "missing": found.missing, "behind_mark": found.behind_mark,
            "integrity": found.integrity, "sound": found.sound,
            "losses": [asdict(span) for span in found.losses],
            "false_spans": found.false_spans, "ownerless": found.ownerless,
            "destinations": [{**asdict(s), "sound": s.sound} for s in found.shares],
        }  # fmt: skip
        print_json({"epoch": found.epoch, **counts, **extra})
    else:
        print(f"{config.store.path} ({found.epoch})")
        _print_counts(counts, lang=args.lang, balanced=found.balanced)
        _print_causes(causes, lang=args.lang)
        _print_checks(found, lang=args.lang)
        _print_shares(found, lang=args.lang)
        print("\n".join(loss_lines(found.losses, lang=args.lang)))
    return Exit.OK if found.sound else Exit.FINDINGS


def _print_causes(causes: dict[str, dict[str, int]], *, lang: str) -> None:
    for cause, count in causes.items():
        print(f"    {title_of(cause).text(lang)}: {count['rows']} / {count['values']}")


def _print_checks(found: Report, *, lang: str) -> None:
    lines = (
        ("counted row by row", "逐行核对", f"{found.found.rows} / {found.found.values}"),
        ("kept for replay", "保留备补传", f"{found.kept.rows} / {found.kept.values}"),
        ("false checksums", "校验不符", found.damaged),
        ("missing rows", "缺失的行", found.missing),
        ("lost by the medium since", "存储介质新丢失", found.behind_mark),
        ("false spans of loss", "校验不符的缺失记录", found.false_spans),
        ("integrity", "文件完整性", found.integrity),
    )
    for en, zh, value in lines:
        print(f"  {zh if lang == 'zh' else en}: {value}")


def _print_shares(found: Report, *, lang: str) -> None:
    """Print the law of each of several destinations, and what was counted row by row for it."""
    for share in found.shares:
        counts = {name: asdict(getattr(share, name)) for name in _COUNTS}
        causes = {cause: asdict(count) for cause, count in share.causes.items()}
        _print_law(share.name, counts, causes, lang=lang, balanced=share.sound)
        counted = _COUNTED.text(lang).format(share.found.rows, share.found.values)
        print(f"  {counted}")
    if found.ownerless:
        print(f"  {_OWNERLESS.text(lang).format(found.ownerless)}")


def _print_law(
    name: str,
    counts: dict[str, Any],
    causes: dict[str, dict[str, int]],
    *,
    lang: str,
    balanced: bool,
) -> None:
    """Print the law of one of several destinations."""
    print(f"  {_DESTINATION.text(lang).format(name)}")
    _print_counts(counts, lang=lang, balanced=balanced)
    _print_causes(causes, lang=lang)


def _print_counts(counts: dict[str, Any], *, lang: str, balanced: bool) -> None:
    rows, values = ("行", "值") if lang == "zh" else ("rows", "values")
    for name, title in _COUNTS.items():
        count = counts[name]
        print(f"  {title.text(lang):<14}{count['rows']:>14} {rows} {count['values']:>16} {values}")
    law = Message(
        "stored = acknowledged + refused + dropped + waiting",
        "已入库 = 已确认 + 被拒收 + 已丢弃 + 待发送",
    ).text(lang)
    print(f"  {law}: {'✓' if balanced else '✗'}")
    if counts.get("produced_values") is not None:
        on_way = Message(
            "{} values produced, {} of them on their way to disk",
            "累计产生 {} 个数值，其中 {} 个正在写入磁盘",
        ).text(lang)
        print(f"  {on_way.format(counts['produced_values'], counts['intake_values'])}")
