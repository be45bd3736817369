"""`chulian ledger export` and `template`: the ledger as a spreadsheet on disk."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from agent.cli.output import Exit, print_json
from agent.ledger.edit import read_config
from agent.ledger.reading import csv_file
from agent.ledger.records import Declared
from agent.ledger.sheets import SHEETS
from agent.ledger.writing import Unwritable, write_csv, write_workbook
from agent.telemetry.status import Message

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def export(args: argparse.Namespace) -> int:
    """Write the ledger as a spreadsheet."""
    config, _ = read_config(args.config)
    return _write(args, Declared.of(config))


def template(args: argparse.Namespace) -> int:
    """Write an empty spreadsheet, never over a file that exists."""
    files = [args.output, *(csv_file(args.output, one) for one in SHEETS)]
    filled = next((str(one) for one in files if one.exists()), None)
    if filled is not None:
        return refuse(args, Message(en=f"{filled} exists already: choose another name",
                                     zh=f"{filled} 已存在，请换一个文件名"))  # fmt: skip
    return _write(args, None)


def _write(args: argparse.Namespace, declared: Declared | None) -> int:
    suffix = args.output.suffix.lower()
    if suffix not in {".xlsx", ".csv"}:
        return refuse(args, Message(en=f"{args.output}: write a .csv or an .xlsx file",
                                     zh=f"{args.output}：请写成 .csv 或 .xlsx 文件"))  # fmt: skip
    try:
        if suffix == ".xlsx":
            files = {args.output: write_workbook(declared, lang=args.lang)}
        else:
            contents = write_csv(declared, lang=args.lang)
            files = {csv_file(args.output, one): contents[one.key] for one in SHEETS}
        for path, data in files.items():
            path.write_bytes(data)
    except Unwritable as error:
        said = Message(en=f"{error}: no spreadsheet can keep this text",
                       zh=f"{error}：表格无法保存该文字（控制字符或过长）")  # fmt: skip
        return refuse(args, said)
    except OSError as error:
        return refuse(args, not_written(args.output, error))
    if args.json:
        print_json({"files": [str(path) for path in files]})
    else:
        print("\n".join(str(path) for path in files))
    return Exit.OK


def not_written(path: Path, error: OSError) -> Message:
    """Say that a file could not be written."""
    return Message(en=f"{path}: {error.strerror}", zh=f"无法写入 {path}：{error.strerror}")


def refuse(args: argparse.Namespace, message: Message) -> int:
    """Say why nothing was done; gives the exit code."""
    print(message.text(args.lang), file=sys.stderr)
    return Exit.USAGE
