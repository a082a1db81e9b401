"""Makes and reads certificates in PEM. Clock and names are given, keys are random. What is no PEM raises ValueError."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SKEW = timedelta(minutes=5)
"""Clocks of nodes differ: a certificate is valid a little before it was made."""


class Pair(NamedTuple):
    """A certificate and its private key, both in PEM."""

    certificate: str
    key: str


class Facts(NamedTuple):
    """What matters of a certificate."""

    begin: datetime
    end: datetime
    names: tuple[str, ...]
    """DNS names, sorted."""


def new_authority(now: datetime, life: timedelta) -> Pair:
    """A self-signed authority that may sign leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"pointsman {now:%Y-%m-%d}")
    builder = (
        _builder(name, name, key, now, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def new_leaf(authority: Pair, names: Sequence[str], now: datetime, life: timedelta) -> Pair:
    """A certificate for these DNS names, for both ends of a connection, signed by the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    builder = (
        _builder(_name(names[0][:64]), issuer.subject, key, now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(issuer)),
            critical=False,
        )
    )
    return _pair(builder.sign(_private(authority.key), hashes.SHA256()), key)


def facts(certificate: str) -> Facts:
    """Reads one certificate."""
    read = x509.load_pem_x509_certificate(certificate.encode())
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = sorted(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        found = []
    return Facts(read.not_valid_before_utc, read.not_valid_after_utc, tuple(found))


def signed_by(certificate: str, authority: str) -> bool:
    """Whether the authority's key signed it."""
    read = x509.load_pem_x509_certificate(certificate.encode())
    try:
        read.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def belongs(pair: Pair) -> bool:
    """Whether the key is the certificate's own."""
    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    return _private(pair.key).public_key() == certificate.public_key()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM).decode(), private.decode())


def _private(pem: str) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is none of an elliptic curve")  # noqa: TRY004 - it is the file that is wrong
    return key


def _public(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the key is none of an elliptic curve")  # noqa: TRY004 - it is the file that is wrong
    return key
