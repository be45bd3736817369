"""Texts of the problems E125x: computed tags and the rules of a machine's state."""

from __future__ import annotations

from agent.config.texts import entry

DERIVED = {
    "E1251": entry(
        "the expression {quoted} cannot be used: {why}", "表达式 {quoted} 不能用：{why}",
        "Names of points, numbers, + - * /, comparisons, and or not, bit(x, n): see docs/computed.",
        "可用：点位名称、数字、加减乘除、比较、and or not、bit(x, n)，见 docs/computed.zh-CN.md。",
    ),
    "E1252": entry(
        "this device has no point {quoted} (points: {known})",
        "该设备没有点位 {quoted}（已有：{known}）",
        "{near}A computed tag uses points of its own device.",
        "{near}计算点只能用本设备的点位。",
    ),
    "E1253": entry(
        "these computed tags need each other: {names}", "这些计算点互相引用，形成循环：{names}",
        "Let one of them use only points that are read.", "请让其中一个只使用采集的点位。",
    ),
    "E1254": entry(
        "{quoted} uses points of different groups: {groups}",
        "{quoted} 用到了不同采集组的点位：{groups}",
        "Put the points into one group, so that they are read together.",
        "请把这些点位放到同一采集组，保证同时采集。",
    ),
    "E1255": entry(
        "there is no preset {quoted} (presets: {known})", "没有预设规则 {quoted}（可用：{known}）",
        "{near}Or write your own under 'rules'.", "{near}也可以在 rules 中自己写规则。",
    ),
    "E1256": entry(
        "the preset {preset} needs {key}: {about}", "预设规则 {preset} 还缺 {key}：{about}",
        "Add it under 'tags' (a point) or 'limits' (a number).",
        "请在 tags（点位）或 limits（数值）中补上。",
    ),
    "E1257": entry(
        "the preset {preset} has no {quoted} (it asks for {known})",
        "预设规则 {preset} 没有 {quoted} 这一项（它需要：{known}）",
        "{near}Remove it or correct its name.", "{near}请删去或改正名称。",
    ),
    "E1258": entry(
        "states needs a preset or rules", "states 需要填写 preset 或 rules",
        "Presets: {known}.", "可用的预设规则：{known}。",
    ),
    "E1259": entry(
        "the point {quoted} cannot be compressed: {why}", "点位 {quoted} 不能压缩：{why}",
        "Only numbers of polled groups with report: all can be.",
        "只有轮询组中 report 为 all 的数值点位可以压缩。",
    ),
}  # fmt: skip
"""Computed tags, states, effectiveness."""
