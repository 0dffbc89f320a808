"""Signed messages for tests, and the two programs that say whether a signature holds: dkimpy and OpenDKIM."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import dkim
import pytest

from pressrun.delivery.dkim import Algorithm, HeaderSigner, SigningKey, canonicalize_body
from pressrun.delivery.dkim_key import make_key

MOMENT = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)
DOMAIN = "spp.example.com"

CONSTANT = (
    b"From: =?utf-8?b?5Y+v5oyB57ut5YWs5YWx6YeH6LSt?= <bulletin@spp.example.com>\r\n"
    b"Reply-To: editor@spp.example.com\r\n"
    b"Subject: =?utf-8?b?5Y+v5oyB57ut5YWs5YWx6YeH6LSt6YCa6K6vIDIwMjYg5bm056ysIDI=?=\r\n"
    b" =?utf-8?b?IOacn++8iOaAu+esrCAyNCDmnJ/vvIk=?=\r\n"
    b"Content-Language: zh-CN\r\nMIME-Version: 1.0\r\n"
    b"List-Id: =?utf-8?b?5Y+v5oyB57ut?=\r\n <bulletin.spp.example.com>\r\n"
    b"List-Archive: <https://spp.example.com>\r\nList-Post: NO\r\n"
    b"Feedback-ID: 2026-02:all:news:spp\r\n"
    b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n'
)
VARYING = (
    b"To: =?utf-8?b?5p6X5pmT?= <lin@example.com>\r\n"
    b"Date: Fri, 20 Feb 2026 09:00:00 +0000\r\n"
    b"Message-ID: <e0123456789abcdef0123456.7@spp.example.com>\r\n"
    b"List-Unsubscribe: <https://spp.example.com/unsubscribe/7~c3Bw~abc>,\r\n <mailto:leave@spp.example.com>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
)
BODY = "林晓，您好！\r\n\r\n  绿色采购   让公共资金\t买得更好。 \r\n.\r\n.点开头\r\n\r\n\r\n".encode()


@functools.cache
def both_keys() -> tuple[SigningKey, SigningKey]:
    """An RSA and an Ed25519 key of spp.example.com, made once."""
    return make_key(DOMAIN, "test", Algorithm.RSA_SHA256), make_key(DOMAIN, "test-ed25519", Algorithm.ED25519_SHA256)


def compose(
    keys: Sequence[SigningKey], varying: bytes = VARYING, constant: bytes = CONSTANT, body: bytes = BODY
) -> bytes:
    """The whole message, signed."""
    digest = hashlib.sha256(canonicalize_body(body)).digest()
    return HeaderSigner(keys, constant).sign(varying, digest, MOMENT) + varying + constant + b"\r\n" + body


def ask_dkimpy(message: bytes, keys: Iterable[SigningKey]) -> list[bool]:
    """Whether each signature of `message` holds, the first first."""
    records = {f"{key.name}.": key.record.encode() for key in keys}
    count = len(re.findall(rb"^DKIM-Signature:", message, re.MULTILINE))
    return [_holds(message, n, records) for n in range(count)]


def _holds(message: bytes, n: int, records: dict[str, bytes]) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(n, dnsfunc=lambda name, timeout=5: records.get(name.decode())))
    except dkim.DKIMException:  # the message, or its signature, is no longer what it was
        return False


def ask_opendkim(message: bytes, keys: Iterable[SigningKey]) -> dict[str, str]:
    """What OpenDKIM says of each signature, by its algorithm; skips the test where it is not installed."""
    program = shutil.which("opendkim", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("no OpenDKIM is installed")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "keys").write_text("".join(f"{key.name} {key.record}\n" for key in keys))
        (folder / "conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder}/keys\n")
        (folder / "message").write_bytes(message)
        command = [program, "-t", folder / "message", "-x", folder / "conf", "-vv"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return {algorithm: result for result, algorithm in re.findall(r"dkim=(\w+)[^;]*header\.a=([\w-]+)", said)}
