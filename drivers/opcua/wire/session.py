"""Making a session: who we are, the server's proof that it holds its key, our login.

The certificate that opened the channel must be the one that made the session. Source: OPC 10000-4,
5.7.2 (CreateSession), 5.7.3 (ActivateSession) and 7.40 (user identity tokens).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua

from drivers.opcua.library import load
from drivers.opcua.security.policies import NONE, PREFIX
from drivers.opcua.wire.chunks import WireError
from drivers.opcua.wire.securing import signature_errors

if TYPE_CHECKING:
    from drivers.opcua.wire.client import WireClient

NAME: Final = "Chulian edge agent"
APPLICATION_URI: Final = "urn:chulian:edge-agent"
"""What we call ourselves where no certificate says otherwise."""

_CRYPTOGRAPHY: Final = "asyncua.crypto.security_policies"
_NONCE_BYTES: Final = 32
_DER_LENGTH: Final = {0x81: 1, 0x82: 2, 0x83: 3}


@dataclass(frozen=True, slots=True)
class Login:
    """How we say who we are; with nothing set, not at all."""

    policy: ua.UserTokenPolicy
    """The way the server offers that was chosen."""
    username: str | None = None
    password: str | None = None
    certificate: bytes | None = None
    """DER, with its key."""
    key: Any = None


async def create_session(
    client: WireClient, *, application_uri: str, life_s: float
) -> ua.CreateSessionResult:
    """Create a session and check the server's proof; the session has to be activated.

    Raises:
        UaStatusCodeError: the server refuses it.
        WireError: the server cannot prove who it is.
    """
    policy: Any = client.security_policy
    nonce = token_bytes(_NONCE_BYTES)
    request = ua.CreateSessionRequest(
        Parameters=ua.CreateSessionParameters(
            ClientDescription=ua.ApplicationDescription(
                ApplicationUri=application_uri,
                ProductUri=APPLICATION_URI,
                ApplicationName=ua.LocalizedText(NAME),
                ApplicationType=ua.ApplicationType.Client,
            ),
            EndpointUrl=client.url,
            SessionName=NAME,
            ClientNonce=nonce,
            ClientCertificate=policy.host_certificate,
            RequestedSessionTimeout=life_s * 1000,
            MaxResponseMessageSize=0,  # the hello has said it
        )
    )
    made: ua.CreateSessionResult = (await client.ask(request, ua.CreateSessionResponse)).Parameters
    if client.connection.securing.signs:
        _prove(policy, (policy.host_certificate or b"") + nonce, made.ServerSignature.Signature)
    shown = _leaf(made.ServerCertificate)
    if policy.peer_certificate and shown != policy.peer_certificate:
        raise WireError("another certificate made the session than opened the channel")
    client.server_certificate = policy.peer_certificate or shown
    client.server_nonce = made.ServerNonce or b""
    client.session_life_ms = float(made.RevisedSessionTimeout)
    client.logins = _logins(client, made.ServerEndpoints or [])
    client.log_in_as(made.AuthenticationToken)
    return made


async def activate_session(client: WireClient, login: Login) -> None:
    """Log in.

    Raises:
        UaStatusCodeError: the server refuses the login.
    """
    policy: Any = client.security_policy
    signs = client.connection.securing.signs
    challenge = (client.server_certificate or b"") + client.server_nonce
    parameters = ua.ActivateSessionParameters(
        ClientSignature=ua.SignatureData(
            Algorithm=policy.AsymmetricSignatureURI or None,
            Signature=policy.asymmetric_cryptography.signature(challenge) if signs else b"",
        )
    )
    if login.certificate is not None or login.password:
        await load(_CRYPTOGRAPHY)
    _identify(client, parameters, login, challenge)
    answer = await client.ask(
        ua.ActivateSessionRequest(Parameters=parameters), ua.ActivateSessionResponse
    )
    client.server_nonce = answer.Parameters.ServerNonce or b""


def policy_of(client: WireClient, login: ua.UserTokenPolicy) -> str:
    """Give the policy that protects a login; where it names none, the channel's."""
    uri = login.SecurityPolicyUri or client.security_policy.URI
    return str(uri).removeprefix(PREFIX)


def _prove(policy: Any, challenge: bytes, signature: bytes | None) -> None:
    """Check that the server holds the key of the certificate it showed.

    Raises:
        WireError: it does not.
    """
    try:
        policy.asymmetric_cryptography.verify(challenge, signature)
    except signature_errors() as error:
        raise WireError("the server has not signed with the key of its certificate") from error


def _identify(
    client: WireClient, parameters: ua.ActivateSessionParameters, login: Login, challenge: bytes
) -> None:
    name = login.policy.PolicyId
    uri = PREFIX + policy_of(client, login.policy)
    if login.certificate is not None:
        parameters.UserIdentityToken = ua.X509IdentityToken(
            PolicyId=name,
            CertificateData=login.certificate,
        )
        signature, algorithm = _policies().sign_asymmetric(login.key, challenge, uri)
        parameters.UserTokenSignature = ua.SignatureData(Algorithm=algorithm, Signature=signature)
    elif login.username:
        hidden, algorithm = _hidden(client, login.password, uri)
        parameters.UserIdentityToken = ua.UserNameIdentityToken(
            PolicyId=name,
            UserName=login.username,
            Password=hidden,
            EncryptionAlgorithm=algorithm,
        )
    else:
        parameters.UserIdentityToken = ua.AnonymousIdentityToken(PolicyId=name)


def _hidden(client: WireClient, password: str | None, uri: str) -> tuple[bytes | None, str | None]:
    """Give the password as it is sent, and how it is encrypted; None: not at all."""
    if not password:
        return None, None
    secret = password.encode()
    if uri.removeprefix(PREFIX) == NONE:
        return secret, None
    from cryptography import x509

    key = x509.load_der_x509_certificate(client.server_certificate or b"").public_key()
    secret += client.server_nonce
    length = len(secret).to_bytes(4, "little")
    data, algorithm = _policies().encrypt_asymmetric(key, length + secret, uri)
    return data, algorithm


def _policies() -> Any:
    """Give the library's module; it bears no types."""
    return import_module(_CRYPTOGRAPHY)


def _logins(
    client: WireClient, endpoints: list[ua.EndpointDescription]
) -> list[ua.UserTokenPolicy]:
    """Give the ways to log in at the endpoint we are on.

    Raises:
        WireError: the server does not name the endpoint we are on.
    """
    policy = client.security_policy
    for one in endpoints:
        here = (one.EndpointUrl or "").startswith("opc.tcp")
        if here and one.SecurityMode == policy.Mode and one.SecurityPolicyUri == policy.URI:
            return one.UserIdentityTokens or []
    raise WireError(f"the server does not name the endpoint we are on: {policy.URI}")


def _leaf(chain: bytes | None) -> bytes | None:
    """Give the first certificate of a chain by the length at its beginning."""
    if not chain or len(chain) < 4 or chain[1] not in _DER_LENGTH:
        return chain
    wide = _DER_LENGTH[chain[1]]
    return chain[: 2 + wide + int.from_bytes(chain[2 : 2 + wide], "big")]
