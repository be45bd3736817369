"""What the standard's security codes mean, and who must do what, in both languages.

Source of the codes: OPC 10000-4, 7.39. Where both sides can be meant, the text says how to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.telemetry.status import Message


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code, explained."""

    means: Message
    act: Message
    """Who must do what."""


_MAKE_NEW: Final = Message(
    "Whoever looks after the server makes a new certificate on it, then trusts it here: "
    "chulian cert list, chulian cert trust.",
    "由服务器维护人员重新生成证书，再在本机信任它：chulian cert list、chulian cert trust。",
)
_TRUST_US: Final = Message(
    "On the server, move the certificate of this box from the rejected to the trusted ones, or "
    "import the file that chulian cert export writes.",
    "在服务器上把本机证书从“已拒绝”移到“受信任”，或导入 chulian cert export 导出的文件。",
)
_LOGIN: Final = Message(
    "Check username and password of the device, and whether the server allows this kind of login.",
    "核对该设备的用户名和密码，以及服务器是否允许这种登录方式。",
)
_POLICY: Final = Message(
    "Switch on Basic256Sha256 or better with SignAndEncrypt on the server, or set security in the "
    "device to what the server offers.",
    "在服务器上启用 Basic256Sha256 或更高的“签名并加密”，"
    "或把该设备的 security 改成服务器支持的策略。",
)
_ISSUER: Final = Message(
    "Ask whoever issued the certificate for the issuer's certificate or its revocation list, and "
    "put the file into issuers/certs or issuers/crl of the pki folder.",
    "向证书签发方索取签发机构的证书或吊销列表，放进 pki 目录的 issuers/certs 或 issuers/crl。",
)
_RECONNECT: Final = Message(
    "Nothing: the agent opens a new connection by itself. If it comes again and again, look at "
    "both clocks and at the server's log.",
    "不用处理，程序会自动重连；反复出现时，请检查两边的时钟和服务器日志。",
)
_CLOCKS: Final = Message(
    "Compare the clocks of both sides first. If they are right, make a new certificate on the "
    "side whose certificate has run out: on the server, or here with chulian cert make --anew.",
    "先核对两边的时钟。时钟都对，就给证书过期的一方重新生成：服务器上重做，"
    "或在本机执行 chulian cert make --anew。",
)

CODES: Final = {
    "BadCertificateUntrusted": Meaning(
        Message("One side does not trust the other's certificate. Told by the agent: we do not "
                "know the server. Answered by the server: it does not know us.",
                "一方不信任另一方的证书。本程序提示的，是本机还不认识服务器；"
                "服务器答复的，是服务器还不认识本机。"),
        Message("We do not know the server: chulian cert list, compare the thumbprint, chulian "
                "cert trust. The server does not know us: trust the certificate of this box on "
                "the server (chulian cert export).",
                "本机不认识服务器：chulian cert list 查看，核对指纹，再 chulian cert trust。"
                "服务器不认识本机：在服务器上信任本机证书（chulian cert export）。"),
    ),
    "BadSecurityChecksFailed": Meaning(
        Message("The server refuses our connection and does not say why; nearly always it does "
                "not trust our certificate yet.",
                "服务器拒绝了连接且没有说明原因；绝大多数情况是它还不信任本机证书。"),
        _TRUST_US,
    ),
    "BadCertificateTimeInvalid": Meaning(
        Message("A certificate has expired or is not valid yet, by the clock of who judges it.",
                "证书已过期或尚未生效（按判断一方的时钟）。"),
        _CLOCKS,
    ),
    "BadCertificateIssuerTimeInvalid": Meaning(
        Message("The certificate of the issuer has expired or is not valid yet.",
                "签发机构的证书已过期或尚未生效。"),
        _CLOCKS,
    ),
    "BadCertificateHostNameInvalid": Meaning(
        Message("The certificate names another host than the one dialled; behind NAT, or with an "
                "IP address, that is usual. The agent connects and only remarks on it.",
                "证书里的主机名与所连地址不同；经过 NAT 或用 IP 地址连接时很常见，"
                "本程序照常连接，只作提示。"),
        Message("Nothing, if the address is right.", "地址没错就不用处理。"),
    ),
    "BadCertificateUriInvalid": Meaning(
        Message("The certificate stands for another application than the one that shows it; "
                "often it was copied from another machine.",
                "证书里的应用 URI 与出示它的程序不一致，常见于从别的机器拷贝来的证书。"),
        _MAKE_NEW,
    ),
    "BadCertificateUseNotAllowed": Meaning(
        Message("The certificate was not made for OPC UA: its key usage forbids it.",
                "证书的密钥用途不允许用于 OPC UA。"),
        _MAKE_NEW,
    ),
    "BadCertificateIssuerUseNotAllowed": Meaning(
        Message("The certificate of the issuer may not sign others.",
                "签发机构的证书没有签发权限。"),
        _MAKE_NEW,
    ),
    "BadCertificateRevoked": Meaning(
        Message("Its issuer has revoked the certificate: it may have been stolen.",
                "证书已被签发机构吊销，可能已泄露。"),
        _MAKE_NEW,
    ),
    "BadCertificateIssuerRevoked": Meaning(
        Message("The certificate of the issuer was revoked.", "签发机构的证书已被吊销。"),
        _MAKE_NEW,
    ),
    "BadCertificateRevocationUnknown": Meaning(
        Message("Whether the certificate was revoked cannot be told: the list is missing.",
                "缺少吊销列表，无法判断证书是否被吊销。"),
        _ISSUER,
    ),
    "BadCertificateIssuerRevocationUnknown": Meaning(
        Message("Whether the issuer's certificate was revoked cannot be told.",
                "无法判断签发机构的证书是否被吊销。"),
        _ISSUER,
    ),
    "BadCertificateChainIncomplete": Meaning(
        Message("Between the certificate and its root an issuer is missing.",
                "证书链不完整，缺少中间签发机构的证书。"),
        _ISSUER,
    ),
    "BadCertificateInvalid": Meaning(
        Message("The certificate is damaged, or is none.", "证书损坏，或根本不是证书。"),
        _MAKE_NEW,
    ),
    "BadCertificatePolicyCheckFailed": Meaning(
        Message("The certificate does not satisfy the security policy: most often its key is "
                "shorter than 2048 bits, or it is signed with SHA-1.",
                "证书不符合安全策略：多为密钥不足 2048 位，或使用 SHA-1 签名。"),
        _MAKE_NEW,
    ),
    "BadNoValidCertificates": Meaning(
        Message("The server got no certificate it can use.", "服务器没有收到可用的证书。"),
        _TRUST_US,
    ),
    "BadApplicationSignatureInvalid": Meaning(
        Message("The signature of one program does not fit its certificate: key and certificate "
                "do not belong together.",
                "程序的签名与证书不符：私钥和证书不是一对。"),
        Message("Check certificate and key of the device; leave both out to let the agent use its "
                "own.",
                "核对该设备配置的 certificate 和 key；两项都不写则使用程序自带的证书。"),
    ),
    "BadUserSignatureInvalid": Meaning(
        Message("The user's certificate and key do not belong together.",
                "用户证书和私钥不是一对。"),
        Message("Check user_certificate and user_key of the device.",
                "核对该设备的 user_certificate 和 user_key。"),
    ),
    "BadSecurityPolicyRejected": Meaning(
        Message("The server does not allow this security policy.", "服务器不允许这种安全策略。"),
        _POLICY,
    ),
    "BadSecurityModeRejected": Meaning(
        Message("The server does not allow this mode: unprotected, signed or encrypted.",
                "服务器不允许这种安全模式（不加保护、签名、签名并加密）。"),
        _POLICY,
    ),
    "BadSecurityModeInsufficient": Meaning(
        Message("What was asked for needs a better protected connection.",
                "当前操作要求更高的安全模式。"),
        _POLICY,
    ),
    "BadUserAccessDenied": Meaning(
        Message("User name or password is wrong, or the user has no right to connect.",
                "用户名或密码错误，或该用户无权连接。"),
        _LOGIN,
    ),
    "BadIdentityTokenInvalid": Meaning(
        Message("The server does not understand this kind of login.", "服务器不支持这种登录方式。"),
        _LOGIN,
    ),
    "BadIdentityTokenRejected": Meaning(
        Message("The server refuses this login; it may want no anonymous clients.",
                "服务器拒绝了登录，可能不允许匿名。"),
        _LOGIN,
    ),
    "BadNonceInvalid": Meaning(
        Message("A random number of the handshake is too short or was used before: one side is "
                "faulty, or something between repeats messages.",
                "握手用的随机数过短或重复：有一方程序有缺陷，或中间有设备重放报文。"),
        Message("Update the server; look for what lies between.",
                "升级服务器程序；检查中间的网络设备。"),
    ),
    "BadInvalidTimestamp": Meaning(
        Message("The clocks of both sides are too far apart for the server.",
                "两边的时钟相差过大，服务器不接受。"),
        Message("Set both clocks, best by NTP.", "给两边校时，最好启用 NTP。"),
    ),
    "BadSecureChannelIdInvalid": Meaning(
        Message("The server has forgotten the channel: it was restarted, or the network was away.",
                "服务器已不认得这条安全通道：它重启过，或网络中断过。"),
        _RECONNECT,
    ),
    "BadSecureChannelClosed": Meaning(
        Message("The server has closed the channel.", "服务器关闭了安全通道。"),
        _RECONNECT,
    ),
    "BadSecureChannelTokenUnknown": Meaning(
        Message("The keys of the channel ran out before they were renewed.",
                "通道密钥在更新前已失效。"),
        _RECONNECT,
    ),
}  # fmt: skip
"""Every code of security and login, by its name."""
