"""Texts of the problems E10xx to E12xx: the file, its keys and values, what must agree in it."""

from __future__ import annotations

from agent.config.texts import entry

FILE = {
    "E1001": entry(
        "the file cannot be read: {why}", "无法读取文件：{why}",
        "Check the path and the access rights.", "请检查路径和访问权限。",
    ),
    "E1002": entry(
        "the file is too large ({seen}, at most {limit})", "文件过大（{seen}，上限 {limit}）",
        "Move the points into point tables (points: file.csv).",
        "请把点位移到点表中（points: file.csv）。",
    ),
    "E1003": entry(
        "the file is not UTF-8 text (byte {seen})", "文件不是 UTF-8 文本（字节 {seen}）",
        "Save it as UTF-8: in Notepad, File > Save as > Encoding: UTF-8.",
        "请另存为 UTF-8：记事本“文件→另存为→编码：UTF-8”。",
    ),
    "E1004": entry(
        "this is not YAML: {why}", "YAML 语法错误：{why}",
        "Compare with the lines around it; indent with two spaces per level.",
        "请对照前后几行；每级缩进两个空格。",
    ),
    "E1005": entry(
        "a tab where only spaces may stand", "此处用了制表符（Tab），只能用空格",
        "Replace tabs by two spaces per level.", "请把 Tab 换成空格，每级两个。",
    ),
    "E1006": entry(
        "the key {quoted} stands twice (first in line {first})",
        "键 {quoted} 重复（首次出现在第 {first} 行）",
        "Keep one of them.", "请只保留一个。",
    ),
    "E1007": entry(
        "nested too deeply (at most {limit} levels)", "嵌套过深（最多 {limit} 层）",
        "Close the brackets, or flatten the structure.", "请检查括号是否闭合，或减少层次。",
    ),
    "E1008": entry(
        "a second document begins here", "此处开始了第二个文档",
        "One file holds one configuration: remove the line ---.",
        "一个文件只能有一份配置：请删去“---”行。",
    ),
    "E1009": entry(
        "the file holds no settings", "文件中没有任何配置项",
        "It begins with a section such as 'gateway:'; see configs/minimal.yaml.",
        "文件应以“gateway:”之类的配置段开头，参见 configs/minimal.yaml。",
    ),
    "E1010": entry(
        'a full-width colon "：" follows {quoted}', "{quoted} 后面用了全角冒号“：”",
        'Type ": " with the input method switched to English.',
        "请切换到英文输入法，改为半角冒号加空格“: ”。",
    ),
    "E1011": entry(
        "aliases expand to too many values (at most {limit})", "别名展开后数据过多（上限 {limit}）",
        "Write the values out, or use a template.", "请直接写出内容，或改用模板（template）。",
    ),
    "E1012": entry(
        "the alias {quoted} names nothing known here", "别名 {quoted} 没有定义，或引用了自身",
        "Put a text that begins with * in quotes.", "若文字本身以 * 开头，请加引号。",
    ),
    "E1013": entry(
        "a key must be a plain word", "键名只能是简单的单词",
        "A text in braces needs quotes.", "带花括号的文字请加引号。",
    ),
    "E1014": entry(
        "the YAML tag {quoted} is not allowed", "不允许使用 YAML 标签 {quoted}",
        "Put a text that begins with ! in quotes.", "若文字本身以 ! 开头，请加引号。",
    ),
    "E1015": entry(
        "a character that may not stand in the file ({seen})", "文件中有不允许的字符（{seen}）",
        "Delete it; often copied along from a web page or another program.",
        "请删除该字符，多半是从网页或其他软件复制时带来的。",
    ),
}  # fmt: skip
"""The file and its YAML."""

SHAPE = {
    "E1101": entry(
        "{key} is missing", "缺少 {key}",
        "{key}: {about}", "请补上 {key}。{about}",
    ),
    "E1102": entry(
        "unknown key {quoted}", "未知的键 {quoted}",
        "{advice}", "{advice}",
    ),
    "E1103": entry(
        "{quoted} is not {wanted}", "{quoted} 不是{wanted}", "{advice}", "{advice}",
    ),
    "E1104": entry(
        "{quoted} is out of range: must be {bound}", "{quoted} 超出范围：应{bound}",
        "{about}", "{about}",
    ),
    "E1105": entry(
        "{quoted} is not one of: {allowed}",
        "{quoted} 不在可选值之内：{allowed}", "{near}", "{near}",
    ),
    "E1106": entry(
        "{quoted} does not have the required form", "{quoted} 的格式不对",
        "{form}", "{form}",
    ),
    "E1107": entry(
        "{quoted} has the wrong length: {bound}",
        "{quoted} 的长度不对：{bound}", "{about}", "{about}",
    ),
    "E1108": entry("{why}", "{why}", "{about}", "{about}"),
}  # fmt: skip
"""Keys and values against the models."""

REFERENCES = {
    "E1201": entry(
        "the id {quoted} is used twice (first in line {first})",
        "编号 {quoted} 重复（首次出现在第 {first} 行）",
        "Ids stand in every record: give each its own.", "编号会写入每条数据：请各用各的编号。",
    ),
    "E1202": entry(
        "the tag {quoted} stands twice in this device (first: {first})",
        "同一设备中点位 {quoted} 重复（首次出现：{first}）",
        "Rename one of them.", "请给其中一个改名。",
    ),
    "E1203": entry(
        "there is no group {quoted} in this device (groups: {known})",
        "该设备没有采集组 {quoted}（已有：{known}）",
        "{near}Add it under 'groups:' of the device.", "{near}请在该设备的 groups: 下补上。",
    ),
    "E1204": entry(
        "there is no process {quoted} (processes: {known})", "没有工序 {quoted}（已有：{known}）",
        "{near}Add it under 'processes:'.", "{near}请在 processes: 下补上。",
    ),
    "E1205": entry(
        "there is no device {quoted} (devices: {known})", "没有设备 {quoted}（已有：{known}）",
        "{near}Write the id of a device under 'devices:', or leave the key out.",
        "{near}请填写 devices: 下的设备编号；未联网的设备不要写 device。",
    ),
    "E1206": entry(
        "unknown time zone {quoted}", "未知的时区 {quoted}",
        "Use an IANA name, such as Asia/Shanghai.", "请使用 IANA 时区名，例如 Asia/Shanghai。",
    ),
    "E1207": entry(
        "not a unified social credit code: {why}", "不是统一社会信用代码：{why}",
        "18 characters as on the business licence: digits and capitals, never I O S V Z.",
        "请按营业执照填写 18 位：数字和大写字母，不含 I、O、S、V、Z。",
    ),
    "E1208": entry(
        "not a county code: {why}", "不是行政区划代码：{why}",
        "Six digits by GB/T 2260, such as 420111.", "应为 GB/T 2260 的 6 位数字，例如 420111。",
    ),
    "E1210": entry(
        "not an industry class: {why}", "不是行业代码：{why}",
        "Letter and digits by GB/T 4754, such as C3484.",
        "应为 GB/T 4754 的门类字母加数字，例如 C3484。",
    ),
    "E1209": entry(
        "{end} ({quoted}) is before {start} ({first})", "{end}（{quoted}）早于 {start}（{first}）",
        "Swap or correct the dates.", "请对调或更正日期。",
    ),
}  # fmt: skip
"""What must agree within one file."""
