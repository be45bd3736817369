"""Texts of the problems E13xx to W16xx: drivers, templates, point tables, secrets, warnings."""

from __future__ import annotations

from agent.config.texts import entry

DRIVERS = {
    "E1301": entry(
        "there is no driver {quoted} (installed: {known})", "没有驱动 {quoted}（已安装：{known}）",
        "{near}A plug-in must be installed into the agent's own Python environment.",
        "{near}第三方驱动须安装在采集代理自己的 Python 环境中。",
    ),
    "E1302": entry(
        "the driver {quoted} cannot be loaded: {why}", "驱动 {quoted} 加载失败：{why}",
        "Reinstall the driver, or ask its maker.", "请重新安装该驱动，或联系驱动作者。",
    ),
    "E1303": entry(
        "the driver {quoted} is built for driver API {theirs}, this agent has {ours}",
        "驱动 {quoted} 面向驱动接口 {theirs}，本程序为 {ours}",
        "Install a version of the driver for this agent.", "请安装与本程序匹配的驱动版本。",
    ),
    "E1304": entry(
        "the driver {driver} cannot {quoted}", "驱动 {driver} 不支持 {quoted} 方式",
        "Remove 'mode' or write mode: {known}.", "请删去 mode，或改为 mode: {known}。",
    ),
    "E1305": entry(
        "the address {quoted} cannot be read: {why}",
        "地址 {quoted} 无法读取：{why}", "{how}", "{how}",
    ),
    "E1306": entry(
        "the driver {driver} could not prepare group {group}: {why}",
        "驱动 {driver} 无法准备采集组 {group}：{why}",
        "Check the settings of the device.", "请检查该设备的参数。",
    ),
    "E1307": entry(
        "the driver {driver} cannot write", "驱动 {driver} 不支持写",
        "Remove 'write' from the tag.", "请删去该点位的 write。",
    ),
    "E1308": entry(
        "the address {quoted} cannot be written: {why}",
        "地址 {quoted} 不能写：{why}", "{how}", "{how}",
    ),
    "E1309": entry(
        "devices {first} and {second} share the line {line} and do not agree on it: {differs}",
        "设备 {first} 与 {second} 共用线路 {line}，但线路参数不一致：{differs}",
        "All devices of one line speak the same way: give them the same values. One that must be "
        "alone (transaction_ids: off) needs a line of its own.",
        "同一条线路上的设备通信参数必须相同，请改成一样的值；必须独占线路的设备"
        "（transaction_ids: off）请单独接一条线路。",
    ),
    "E1310": entry(
        "the array {quoted} would become a point {name}: {why}",
        "数组 {quoted} 会展开出点位 {name}：{why}",
        "Rename the array or the other point.", "请给数组或另一个点位改名。",
    ),
}  # fmt: skip
"""Drivers, what they can, and their addresses."""

TABLES = {
    "E1401": entry(
        "there is no template {quoted} (templates: {known})", "没有模板 {quoted}（已有：{known}）",
        "{near}Templates are looked for in {folder} beside the file, then in the program.",
        "{near}先在配置文件旁的 {folder} 中查找，再查程序自带的模板。",
    ),
    "E1402": entry(
        "{quoted} is not a template's name", "{quoted} 不是合法的模板名",
        "Letters, digits, - and _ only, without folder and without .yaml.",
        "只能用字母、数字、- 和 _，不带目录、不带 .yaml。",
    ),
    "E1403": entry(
        "the key {quoted} may not stand in a template", "模板中不能出现 {quoted}",
        "Write it in the device that uses the template.", "请写在使用该模板的设备里。",
    ),
    "E1411": entry(
        "the point table cannot be read: {why}", "无法读取点表：{why}",
        "Save it again as .xlsx or as UTF-8 .csv; close it in the spreadsheet program.",
        "请重新保存为 .xlsx 或 UTF-8 的 .csv，并关闭正在打开它的表格软件。",
    ),
    "E1412": entry(
        "{quoted} is not a point table", "{quoted} 不是点表",
        "A point table is a .csv or an .xlsx file.", "点表应为 .csv 或 .xlsx 文件。",
    ),
    "E1413": entry(
        "unknown column heading {quoted}", "未知的列标题 {quoted}",
        "{near}Columns: {known}.", "{near}可用的列：{known}。",
    ),
    "E1414": entry(
        "the point table lacks the column {key}", "点表缺少“{key}”列",
        "The first row holds the headings; 'chulian points template' makes an empty table.",
        "首行应为列标题；可用 chulian points template 生成空白点表。",
    ),
    "E1415": entry(
        "the column {quoted} stands twice", "列 {quoted} 重复", "Delete one.", "请删去一列。",
    ),
    "E1416": entry(
        "{quoted} is not a list of states", "{quoted} 不是状态映射",
        "Write raw=state, joined by semicolons: 0=idle;1=running. States: {known}.",
        "请写成“原值=状态”，以分号分隔：0=idle;1=running。状态：{known}。",
    ),
    "E1417": entry(
        "the point table is too large (at most {limit})", "点表过大（上限 {limit}）",
        "Delete what does not belong to it, or split the device.", "请删去无关内容，或拆分设备。",
    ),
    "E1420": entry(
        "{quoted} does not say what may be written", "{quoted} 不是有效的“允许写”内容",
        "Write min=0;max=100;step=1, for a bool yes; blank: the point is only read.",
        "数值写成 min=0;max=100;step=1，bool 写“是”；留空表示只读。",
    ),
    "E1419": entry(
        "the formula {quoted} has no stored result", "公式 {quoted} 没有保存计算结果",
        "Open and save the table in a spreadsheet program, or write the value.",
        "请用表格软件打开并保存一次，或直接填写数值。",
    ),
    "E1418": entry(
        "the row has more cells than there are columns", "该行的单元格多于列标题",
        "A text that contains the separator needs quotes.", "含有分隔符的文字请加双引号。",
    ),
}  # fmt: skip
"""Templates and point tables."""

SECRETS = {
    "E1501": entry(
        "a secret may not stand in the file itself", "密码不能直接写在配置文件里",
        "Write env:NAME (environment variable) or file:PATH (a file only the agent may read).",
        "请写 env:变量名（环境变量）或 file:路径（只有本程序可读的文件）。",
    ),
    "E1502": entry(
        "the environment variable {quoted} is not set", "环境变量 {quoted} 没有设置",
        "Set it for the service, or use file:PATH.", "请为服务设置该变量，或改用 file:路径。",
    ),
    "E1503": entry(
        "the secret's file {quoted} cannot be read: {why}", "无法读取密码文件 {quoted}：{why}",
        "Check the path (relative to the configuration) and the rights.",
        "请检查路径（相对于配置文件）和访问权限。",
    ),
    "E1504": entry(
        "the secret at {quoted} is empty", "{quoted} 处的密码为空",
        "Write the secret there, or remove the key.", "请填入密码，或删去该键。",
    ),
    "E1505": entry(
        "a password may not stand in a URL", "URL 中不能带密码",
        "Use the keys username and password.", "请改用 username 和 password 两个键。",
    ),
    "E1506": entry(
        "the file {quoted} cannot be read: {why}", "无法读取文件 {quoted}：{why}",
        "Paths are relative to the configuration file.", "相对路径以配置文件所在目录为准。",
    ),
}  # fmt: skip
"""Secrets and other files a configuration names."""

WARNINGS = {
    "W1601": entry(
        "devices {first} and {second} read the same point {quoted} over the same link",
        "设备 {first} 与 {second} 经同一链路读取同一地址 {quoted}",
        "Two machines with one address: check unit id, host or url.",
        "两台设备读的是同一个地址：请核对站号、主机或 url。",
    ),
    "W1602": entry(
        "no tag uses the group {quoted}", "没有点位使用采集组 {quoted}",
        "Assign tags to it, or remove it.", "请把点位分到该组，或删去该组。",
    ),
    "W1603": entry(
        "the device has no tags: nothing is read", "该设备没有点位，不会采集任何数据",
        "Add tags, a point table or a template.",
        "请添加点位（tags）、点表（points）或模板（template）。",
    ),
    "W1604": entry(
        "the unified social credit code is doubtful: {why}", "统一社会信用代码可疑：{why}",
        "Compare with the business licence.", "请与营业执照核对。",
    ),
    "W1605": entry(
        "no device is enabled: nothing is read", "没有启用任何设备，不会采集数据",
        "Add one under 'devices:'.", "请在 devices: 下添加设备。",
    ),
    "W1606": entry(
        "the password travels unencrypted", "密码以明文在网络上传输",
        "Use mqtts:// if the broker offers it.", "若服务器支持，请改用 mqtts://。",
    ),
    "W1607": entry(
        "others may read the secret's file {quoted}", "其他用户可以读取密码文件 {quoted}",
        "chmod 600 {seen}", "请执行 chmod 600 {seen}",
    ),
    "W1608": entry(
        "certificates are given, but mqtt:// does not use them", "给出了证书，但 mqtt:// 不会使用",
        "Write mqtts://.", "请改用 mqtts://。",
    ),
    "W1609": entry(
        "the county code is doubtful: {why}", "行政区划代码可疑：{why}",
        "Write the code in force today.", "请填写现行代码。",
    ),
    "W1610": entry(
        "the industry class is doubtful: {why}", "行业代码可疑：{why}",
        "Compare with the business licence and the edition.", "请与登记信息和标准版本核对。",
    ),
    "W1611": entry(
        "the line {quoted} needs {need} s for what is asked every {interval} s (load {load}%)",
        "线路 {quoted} 每 {interval} 秒要读的内容需占用 {need} 秒（负荷 {load}%）",
        "Polls will be missed and counted. Lengthen the interval, split the line, or raise the "
        "baud; 'chulian check --plan' shows what each request costs.",
        "来不及的采集会被跳过并计数。请加长采集间隔、分成几条线路，或提高波特率；"
        "用 chulian check --plan 查看每次请求的耗时。",
    ),
    "W1612": entry(
        "{count} address(es) such as {quoted}: {why}", "{count} 个地址（如 {quoted}）：{why}",
        "{how}", "{how}",
    ),
}  # fmt: skip
"""What is usable and probably not meant."""
