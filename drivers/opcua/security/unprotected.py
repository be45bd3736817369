"""What stands for the protection of a channel that has none: nothing is signed or encrypted.

The library's own would load its cryptography, 9 MB, to do nothing with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from asyncua.ua import MessageSecurityMode

from drivers.opcua.security.policies import NONE, PREFIX

if TYPE_CHECKING:
    from asyncua.crypto.security_policies import SecurityPolicy

    Policy: TypeAlias = "SecurityPolicy | Unprotected"
    """What protects a channel, or stands for it."""


class Unprotected:
    """The policy of a channel without protection; as the library's, without its cryptography."""

    URI: Final = PREFIX + NONE
    Mode: Final = MessageSecurityMode.None_
    AsymmetricSignatureURI: Final = ""
    secure_channel_nonce_length: Final = 0
    host_certificate: Final = None
    peer_certificate: Final = None
    host_certificate_chain: Final[tuple[bytes, ...]] = ()
