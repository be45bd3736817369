"""Texts of the problems E17xx and W17xx: the ledger and its spreadsheets."""

from __future__ import annotations

from agent.config.texts import entry

LEDGER = {
    "E1701": entry(
        "there is no place {quoted} (places: {known})", "没有场所 {quoted}（已有：{known}）",
        "{near}Add it under 'locations:'.", "{near}请在 locations: 下补上。",
    ),
    "E1702": entry(
        "there is no machine {quoted} in the ledger", "台账中没有设备 {quoted}",
        "{near}part_of names the cell or line by its equipment number.",
        "{near}part_of 应填写柔性单元或自动线的设备编号。",
    ),
    "E1703": entry(
        "{quoted} is a part of itself", "{quoted} 的上级是它自己（形成循环）",
        "Correct 'inside' or 'part_of'.", "请更正 inside 或 part_of。",
    ),
    "E1704": entry(
        "a formula stands here: {seen}", "单元格中是公式：{seen}",
        "Formulas are never computed here: type the value.",
        "本程序不计算公式，请直接填写数值或文字。",
    ),
    "E1705": entry(
        "no sheet of a ledger was found (sheets: {known})",
        "没有找到台账的工作表（应有：{known}）",
        "'chulian ledger template' makes an empty one.",
        "可用 chulian ledger template 生成空白台账。",
    ),
    "E1706": entry(
        "{quoted} is neither yes nor no", "{quoted} 不是“是”或“否”",
        "Write yes or no.", "请填写 是 或 否。",
    ),
    "E1707": entry(
        "the sheet of the enterprise has {seen} rows", "企业表中有 {seen} 行",
        "A ledger is of one enterprise: leave one row.", "一份台账只属于一家企业：请只保留一行。",
    ),
    "E1708": entry(
        "the section '{key}' cannot be edited here: {why}", "无法修改配置段 {key}：{why}",
        "Write it as a list of lines that begin with '- '.", "请写成以“- ”开头的多行列表。",
    ),
    "E1709": entry(
        "the ledger's table cannot be read: {why}", "无法读取台账表格：{why}",
        "Save it again as .xlsx or as UTF-8 .csv; close it in the spreadsheet program.",
        "请重新另存为 .xlsx 或 UTF-8 编码的 .csv，并在表格软件中关闭该文件。",
    ),
    "E1710": entry(
        "unknown column heading {quoted}", "未知的列标题 {quoted}",
        "{near}Columns: {known}.", "{near}可用的列：{known}。",
    ),
    "E1711": entry(
        "the column {quoted} stands twice", "列 {quoted} 重复", "Delete one.", "请删去一列。",
    ),
    "E1712": entry(
        "the ledger's table is too large (at most {limit})", "台账表格过大（上限 {limit}）",
        "Delete what does not belong to it.", "请删去与台账无关的内容。",
    ),
    "E1713": entry(
        "{quoted} is not a ledger's table", "{quoted} 不是台账表格",
        "A ledger is an .xlsx file, or .csv files beside each other.",
        "台账应为 .xlsx 文件，或同一目录下的一组 .csv 文件。",
    ),
    "E1714": entry(
        "the file was changed by somebody else meanwhile", "文件刚被他人修改",
        "Nothing was written; do it again.", "未写入任何内容，请重试。",
    ),
    "E1715": entry(
        "{quoted} stands in a column without a heading", "{quoted} 所在的列没有标题",
        "Give the column its heading, or delete it.", "请补上列标题，或删去该列。",
    ),
    "W1701": entry(
        "the development zone is doubtful: {why}", "开发区代码可疑：{why}",
        "Compare with the zone's own papers; a name may stand here too.",
        "请与开发区的文件核对；也可以直接填写名称。",
    ),
    "W1702": entry(
        "the cluster is not known here: {why}", "产业集群未收录：{why}",
        "It is kept as written; known: {known}.", "内容照原样保留；已收录：{known}。",
    ),
    "W1703": entry(
        "the machine is a part of {whole} and lists processes: they do not count",
        "该设备属于 {whole}，其所列工序不计入",
        "A cell or line counts as one: list the processes at the whole.",
        "柔性单元、自动线按整套计一台：请把工序填写在整套设备上。",
    ),
    "W1704": entry(
        "the serial number {quoted} stands at two machines (first: {first})",
        "出厂编号 {quoted} 重复（首次：{first}）",
        "One machine counts once: compare with the nameplates.", "一台设备只计一次：请核对铭牌。",
    ),
}  # fmt: skip
"""The ledger."""
