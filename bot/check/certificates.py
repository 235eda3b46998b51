"""Certificates that end soon, or have ended: of a server, as it shows it, and of a file.

They are looked at, and nothing is decided by them: a connection of the bot verifies its server anew.
"""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.check.rows import CheckRow, Grade

SOON: Final = timedelta(days=30)
SECONDS: Final = 3.0
"""(Real) seconds that a server has to show its certificate."""
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_LONG: Final = 0x80


async def served(host: str, port: int, name: str | None = None) -> datetime | None:
    """Until when the certificate that a server shows is good, directly and without a proxy.

    None if it shows none, or is not reached. `name`: the one that it is asked for, if not the host.
    """
    # An expired one, or one of an unknown authority, is to be seen as well. Nothing is sent.
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(
                host, port, ssl=anybody, server_hostname=name or host
            )
    except (OSError, ValueError):  # a TimeoutError and an SSLError are OSErrors
        return None
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return None if shown is None else until(shown)


def in_file(path: Path) -> datetime | None:
    """Until when the first certificate of a PEM file is good; None if there is none."""
    try:
        text = path.read_text(encoding="ascii")
        begin = text.index(ssl.PEM_HEADER)
        end = text.index(ssl.PEM_FOOTER, begin) + len(ssl.PEM_FOOTER)
        return until(ssl.PEM_cert_to_DER_cert(text[begin:end]))
    except (OSError, ValueError):
        return None


def until(der: bytes) -> datetime | None:
    """The end (notAfter) of a certificate in DER; None for what is none."""
    try:
        [(_, certificate)] = _parts(der)
        _, to_be_signed = next(_parts(certificate))
        # RFC 5280: version (which may be left out), serialNumber, signature, issuer, validity.
        fields = [part for tag, part in _parts(to_be_signed) if tag != _VERSION]
        _, (tag, ends) = _parts(fields[3])
        form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
        return datetime.strptime(ends.decode("ascii"), form).replace(tzinfo=UTC)
    except (ValueError, IndexError, StopIteration):
        return None


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other, each with its tag."""
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length >= _LONG:
            size = length - _LONG
            length = int.from_bytes(der[at : at + size], "big")
            at += size
        if at + length > len(der):
            raise ValueError("it is cut off")
        yield tag, der[at : at + length]
        at += length


def row(part: str, what: str, ends: datetime | None, now: datetime, fix: str) -> list[CheckRow]:
    """A row about a certificate, if it was seen."""
    if ends is None:
        return []
    day = ends.strftime("%Y-%m-%d")
    if ends <= now:
        return [CheckRow(part, Grade.FAIL, f"{what} ended on {day}", fix)]
    if ends - now < SOON:
        left = (ends - now).days
        return [CheckRow(part, Grade.WARN, f"{what} ends on {day}, in {left} days", fix)]
    return [CheckRow(part, Grade.OK, f"{what} is good until {day}")]
