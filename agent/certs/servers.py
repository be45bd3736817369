"""How our certificate gets into the trust list of common servers, in both languages."""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import Message

SERVERS: Final = {
    "s7-1500": Message(
        "Siemens S7-1200/S7-1500 (TIA Portal): import the file in the certificate manager of the "
        "global security settings; then CPU properties, OPC UA, Server, Security, Trusted clients: "
        "add it; compile and download.",
        "西门子 S7-1200/S7-1500（TIA 博途）：在“全局安全设置”的证书管理器中导入该文件；"
        "再到 CPU 属性 → OPC UA → 服务器 → Security → 可信客户端，添加它；编译并下载到 CPU。",
    ),
    "sinumerik": Message(
        "Sinumerik 840D sl / ONE: let the agent try once; then Startup, Network, OPC UA, "
        "certificates: trust the rejected client certificate. Or import the file there.",
        "西门子 Sinumerik 840D sl / ONE：先让程序连一次，"
        "再到 调试 → 网络 → OPC UA → 证书，信任被拒绝的客户端证书；也可在那里导入该文件。",
    ),
    "kepware": Message(
        "Kepware: OPC UA Configuration (icon in the notification area), Trusted Clients: Import, "
        "or Trust if it is listed already; then reinitialize the runtime.",
        "Kepware：右下角图标 → OPC UA Configuration → Trusted Clients，点 Import 导入；"
        "已列出的点 Trust；然后重新初始化（Reinitialize）运行时。",
    ),
    "folder": Message(
        "Servers with a certificate folder (.NET, Unified Automation, Prosys, node-opcua, "
        "open62541): let the agent try once, then move the file from rejected/certs to "
        "trusted/certs; some want a restart.",
        "用证书目录的服务器（.NET、Unified Automation、Prosys、node-opcua、open62541 等）："
        "先让程序连一次，再把文件从 rejected/certs 移到 trusted/certs；有的需要重启。",
    ),
    "other": Message(
        "Any other: look for “trusted clients” or “certificates” in its OPC UA settings, and "
        "import the file there. Some want PEM: chulian cert export --pem.",
        "其他服务器：在 OPC UA 设置里找“可信客户端”或“证书”，导入该文件；"
        "要求 PEM 格式的，用 chulian cert export --pem。",
    ),
}
"""Kind of server -> what a person does there."""
