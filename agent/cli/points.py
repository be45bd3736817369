"""`chulian points`: point tables (点表) out of a configuration, into one, and empty ones.

export writes what a device reads as a table; import checks a table and prints it as the `tags:`
of a device; template writes an empty table. What is exported and imported again is the same.
"""

from __future__ import annotations

import json
import sys
from argparse import SUPPRESS
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.arguments import default_config
from agent.cli.output import Exit, print_json, print_problems
from agent.config.load import load
from agent.config.model import TagEntry
from agent.config.points import read_points
from agent.config.tables import Unwritable, write_csv, write_workbook
from agent.config.templates import repeated_tags
from agent.config.validate import validated

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from agent.cli.arguments import Parser


def add_arguments(parser: Parser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    table = parser.text(en="point table, .csv or .xlsx", zh="点表文件，.csv 或 .xlsx")
    export = actions.add_parser(
        "export", help=parser.text(en="a device's points as a table", zh="把设备的点位导出为点表")
    )
    export.add_argument("-c", "--config", type=Path, default=default_config(), metavar="FILE",
                        help=parser.text(en="configuration file", zh="配置文件"))  # fmt: skip
    export.add_argument("-d", "--device", required=True, metavar="ID",
                        help=parser.text(en="id of the device", zh="设备编号"))  # fmt: skip
    load_table = actions.add_parser(
        "import", help=parser.text(en="check a table, print it as YAML tags",
                                   zh="检查点表，并输出为 YAML 格式的 tags")
    )  # fmt: skip
    load_table.add_argument("table", type=Path, help=table)
    empty = actions.add_parser(
        "template", help=parser.text(en="an empty table to fill in", zh="生成空白点表")
    )
    for action in (export, load_table, empty):
        action.add_argument("--json", action="store_true", default=SUPPRESS,
                            help=parser.text(en="answer as one JSON document",
                                             zh="以 JSON 输出结果"))  # fmt: skip
    for action in (export, empty):
        action.add_argument("-o", "--output", type=Path, required=True, metavar="TABLE", help=table)


def run(args: Namespace) -> int:
    """Run the action that was chosen."""
    if args.action == "import":
        return _import(args)
    if args.action == "export":
        return _export(args)
    return _write([], args)


def yaml_lines(tags: Sequence[TagEntry]) -> list[str]:
    """Give tags as the lines of `tags:` in a device; only what a tag states."""
    return ["tags:", *(f"  - {_flow(tag.model_dump(mode='json', exclude_unset=True))}"
                       for tag in tags)]  # fmt: skip


def _import(args: Namespace) -> int:
    nodes, problems = read_points(args.table)
    problems += repeated_tags(nodes, where="")
    tags: list[TagEntry] = []
    for index, node in enumerate(nodes):
        where = f"tags[{node.text('name') or index}]"
        tag = validated(TagEntry, node, where=where, problems=problems)
        if tag is not None:
            tags.append(tag)
    if problems:
        print_problems(problems, lang=args.lang, as_json=args.json)
        return Exit.USAGE
    if args.json:
        print_json({"tags": [tag.model_dump(mode="json", exclude_unset=True) for tag in tags]})
    else:
        print("\n".join(yaml_lines(tags)))
    return Exit.OK


def _export(args: Namespace) -> int:
    config = load(args.config).config
    device = next((one for one in config.devices if one.id == args.device), None)
    if device is None:
        known = ", ".join(one.id for one in config.devices)
        return _refuse(args, en=f"there is no device {args.device!r} (devices: {known})",
                       zh=f"没有设备 {args.device!r}（已有：{known}）")  # fmt: skip
    return _write(device.tags, args, groups=tuple(device.groups))


def _write(tags: Sequence[TagEntry], args: Namespace, groups: Sequence[str] = ()) -> int:
    suffix = args.output.suffix.lower()
    try:
        if suffix == ".xlsx":
            data = write_workbook(tags, lang=args.lang, groups=groups)
        elif suffix == ".csv":
            data = write_csv(tags, lang=args.lang)
        else:
            return _refuse(args, en=f"{args.output}: write a .csv or an .xlsx file",
                           zh=f"{args.output}：请写成 .csv 或 .xlsx 文件")  # fmt: skip
        args.output.write_bytes(data)
    except Unwritable as error:
        return _refuse(args, en=f"{error}: holds a control character that no table can keep",
                       zh=f"{error}：含有表格无法保存的控制字符")  # fmt: skip
    except OSError as error:
        return _refuse(args, en=f"{args.output}: {error.strerror}",
                       zh=f"无法写入 {args.output}：{error.strerror}")  # fmt: skip
    if args.json:
        print_json({"file": str(args.output), "tags": len(tags)})
    else:
        count = f"{len(tags)} 个点位" if args.lang == "zh" else f"{len(tags)} tag(s)"
        print(f"{args.output}: {count}")
    return Exit.OK


def _refuse(args: Namespace, *, en: str, zh: str) -> int:
    print(zh if args.lang == "zh" else en, file=sys.stderr)
    return Exit.USAGE


def _flow(value: Any) -> str:
    """Write a value as YAML on one line: JSON, but for the keys, which stay readable."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, str):
        # JSON's escapes are YAML's; what cannot be printed may not stand in YAML as it is
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return json.dumps(value)


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else _flow(key)
