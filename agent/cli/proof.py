"""`chulian rate --export FILE` and `--verify FILE`: the proof file, made and checked.

Making one reads configuration and store and writes one file; checking one reads that file only.
No machine is asked, nothing is sent.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING

from agent.cli.output import Exit, print_json
from agent.cli.proof_text import print_made, print_verdict, verdict_document
from agent.telemetry.status import Message

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig
    from agent.proof.documents import Material

_TIMEOUT_S = 2.0
_NS_PER_MS = 1_000_000
_MOST_DAYS = 366
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class ProofError(Exception):
    """It cannot be done; holds what to tell the person."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True)
class Period:
    """Which days were asked for; None where the configuration decides."""

    first: date | None
    last: date | None


def add_arguments(parser: Parser, day: Callable[[str], date]) -> None:
    """Add the options of the proof file; `day` reads a date."""
    parser.add_argument(
        "--export", type=Path, metavar="FILE",
        help=parser.text(en="write the proof file: everything the rate follows from, and a report",
                         zh="生成证明文件：结果、全部依据和报告"),
    )  # fmt: skip
    for name, said in (
        ("--from", parser.text(en="with --export: first day of evidence",
                               zh="与 --export 同用：统计期首日")),
        ("--to", parser.text(en="with --export: last day (default: --as-of)",
                             zh="与 --export 同用：统计期末日（默认同 --as-of）")),
    ):  # fmt: skip
        parser.add_argument(name, dest=f"period_{name[2:]}", type=day, metavar="DATE", help=said)
    parser.add_argument(
        "--verify", type=Path, metavar="FILE",
        help=parser.text(en="check a proof file and compute every number again; needs no -c",
                         zh="核验证明文件并重算每一个数字，不需要 -c"),
    )  # fmt: skip
    parser.add_argument(
        "--key", metavar="KEY",
        help=parser.text(en="with --verify: the gateway's public key, as file or fingerprint",
                         zh="与 --verify 同用：网关公钥文件或其指纹"),
    )  # fmt: skip


def verify_file(args: argparse.Namespace) -> int:
    """Check a file; exit code 1 where anything is wrong with it, 2 where it cannot be read."""
    from agent.proof.verify import verify_file

    try:
        wanted = _fingerprint(args.key)
        with _opened(args.verify) as file:
            verdict = verify_file(file, key_sha256=wanted)
    except OSError as error:
        return _refused(_unreadable(args.verify, error), args)
    except ProofError as error:
        return _refused(error, args)
    if args.json:
        print_json(verdict_document(verdict))
    else:
        print_verdict(verdict, lang=args.lang)
    return Exit.OK if verdict.sound else Exit.FINDINGS


def export_file(args: argparse.Namespace, config: AgentConfig) -> int:
    """Write a proof file from the store on disk; exit code 2 where it cannot be done."""
    from agent.kpi.device_key import key_beside, load_or_make
    from agent.ledger.journal import JournalError
    from agent.proof.archive import ArchiveError
    from agent.proof.build import built
    from agent.proof.key import fingerprint
    from agent.proof.members import KEY

    period = Period(args.period_from, args.period_to or args.as_of)
    try:
        made = built(  # nobody else holds the material: it is let go on the way
            gathered(config, period, now_ms=time.time_ns() // _NS_PER_MS),
            load_or_make(key_beside(config.store.path)),
        )
        _write(args.export, made)
    except JournalError as error:
        return _refused(ProofError(error.message), args)
    except (OSError, sqlite3.Error, ArchiveError) as error:
        said = Message(
            en=f"the proof file cannot be made: {error}", zh=f"无法生成证明文件：{error}"
        )
        return _refused(ProofError(said), args)
    except ProofError as error:
        return _refused(error, args)
    print_made(args.export, fingerprint(made[KEY]), lang=args.lang, as_json=args.json)
    return Exit.OK


def gathered(config: AgentConfig, period: Period, *, now_ms: int) -> Material:
    """Collect what a proof file is made of; raises OSError, sqlite3.Error or ProofError."""
    from agent.collect.identity import kept_identity
    from agent.kpi.digest import KEPT_IN
    from agent.kpi.evidence import DeviceDay
    from agent.kpi.identity import facts_kept
    from agent.ledger.journal import Journal, journal_path
    from agent.proof.documents import Material
    from agent.store.losses import read_losses
    from agent.store.notes import read_evidence, read_lessons

    config, as_of = _over(config, period, now_ms)
    path = config.store.path
    if not path.is_file():
        raise ProofError(
            Message(
                en=f"there is no store at {path}; run the agent first, or check store.path",
                zh=f"{path} 处没有存储文件；请先运行采集代理，或检查 store.path",
            )
        )
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        days = tuple(DeviceDay.of(row) for row in read_evidence(connection))
        losses = read_losses(connection).spans
        lessons = read_lessons(connection)
    said = ((device, kept_identity(text)) for device, group, text, _ in lessons if not group)
    sealed = [(number, text) for device, number, text, _ in lessons if device == KEPT_IN]
    return Material(
        config=config,
        as_of=as_of,
        days=days,
        facts=facts_kept(said, [one.id for one in config.devices]),
        losses=tuple(losses),
        journal=tuple(line.encode() for line in Journal(journal_path(path)).lines()),
        digests=tuple(text.encode() for _, text in sorted(sealed, key=_by_number)),
        made_ms=now_ms,
        made_by=f"chulian {version('chulian')}",
    )


def _by_number(lesson: tuple[str, str]) -> tuple[int, str]:
    number, _ = lesson
    return len(number), number


def _over(config: AgentConfig, period: Period, now_ms: int) -> tuple[AgentConfig, date]:
    """Give the configuration whose period of evidence is the one asked for, and its last day."""
    from agent.kpi.calendar import ShopCalendar

    today = ShopCalendar.of(config).day_of(now_ms * _NS_PER_MS)
    as_of = period.last or today
    if as_of > today:
        raise ProofError(Message(en=f"{as_of} is in the future", zh=f"{as_of} 还没有到"))
    if period.first is None:
        return config, as_of
    length = (as_of - period.first + timedelta(days=1)).days
    if not 1 <= length <= _MOST_DAYS:
        raise ProofError(
            Message(
                en=f"from {period.first} to {as_of} are {length} days; 1 to {_MOST_DAYS} may be",
                zh=f"{period.first} 至 {as_of} 为 {length} 天，应为 1 至 {_MOST_DAYS} 天",
            )
        )
    rate = config.rate.model_copy(update={"period_days": length})
    return config.model_copy(update={"rate": rate}), as_of


def _opened(path: Path) -> IO[bytes]:
    """Open a file to check; ProofError where it is larger than any may be."""
    from agent.proof.archive import MAX_BYTES

    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ProofError(
            Message(
                en=f"{path} has {size} bytes; a proof file has {MAX_BYTES} at most",
                zh=f"{path} 有 {size} 字节，证明文件不会超过 {MAX_BYTES} 字节",
            )
        )
    return path.open("rb")


def _unreadable(path: Path, error: OSError) -> ProofError:
    return ProofError(Message(en=f"{path} cannot be read: {error}", zh=f"无法读取 {path}：{error}"))


def _fingerprint(key: str | None) -> str | None:
    """Give the fingerprint of the key that was named, as file or as fingerprint itself."""
    from agent.proof.key import KeyFileError, fingerprint

    if key is None:
        return None
    plain = re.sub(r"[\s:]", "", key).lower()
    if _FINGERPRINT.fullmatch(plain):
        return plain
    try:
        return fingerprint(Path(key).read_bytes())
    except (OSError, KeyFileError) as error:
        raise ProofError(
            Message(
                en=f"--key: {key!r} is neither a fingerprint (64 hexadecimal digits) nor the file "
                f"of a public key: {error}",
                zh=f"--key：“{key}”既不是指纹（64 位十六进制数），也不是公钥文件：{error}",
            )
        ) from None


def _write(path: Path, members: Mapping[str, bytes]) -> None:
    """Write the whole file or none of it."""
    from agent.proof.archive import pack_into

    draft = path.with_name(f"{path.name}.part")
    with draft.open("wb") as file:
        pack_into(file, members)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _refused(error: ProofError, args: argparse.Namespace) -> int:
    if args.json:
        print_json({"error": {"en": error.message.en, "zh": error.message.zh}})
    else:
        print(error.message.text(args.lang), file=sys.stderr)
    return Exit.USAGE
