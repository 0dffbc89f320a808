"""The frame of a message: its multiparts, pictures and attachments, the same for every recipient (RFC 2046)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pressrun.delivery.header import clean_line, write_parameter
from pressrun.delivery.transfer import encode_base64
from pressrun.render.edition import Edition, File

BOUNDARY_MARK = b"=_pressrun_"
"""How every boundary begins; base64 and quoted-printable never hold "=_"."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_ENCODABLE = re.compile(r"(?!multipart/|message/)", re.IGNORECASE)  # RFC 2046 §5: those can't go as base64


@dataclass(frozen=True)
class Frame:
    """What surrounds the two text parts: the message is `header`, a blank line, and the body.

    The body is `opening`, the plain part, `between`, the HTML part, `closing`; each part brings its own header.
    """

    header: bytes
    opening: bytes
    between: bytes
    closing: bytes


@dataclass(frozen=True)
class _Multipart:
    subtype: str
    edition_id: str
    eight_bit: bool
    parameters: str = ""

    @property
    def boundary(self) -> str:
        return f"{BOUNDARY_MARK.decode()}{self.subtype}_{self.edition_id[:32]}"

    @property
    def header(self) -> str:
        fields = f'Content-Type: multipart/{self.subtype}{self.parameters};\r\n boundary="{self.boundary}"\r\n'
        # RFC 2045 §6.4: what holds a part of 8bit must say so itself.
        return fields + ("Content-Transfer-Encoding: 8bit\r\n" if self.eight_bit else "")

    @property
    def opening(self) -> str:
        return f"--{self.boundary}\r\n"

    @property
    def between(self) -> str:
        return f"\r\n{self.opening}"

    @property
    def closing(self) -> str:
        return f"\r\n--{self.boundary}--"


def make_frame(edition: Edition, *, eight_bit: bool) -> Frame:
    """The edition's frame; `eight_bit` says whether a text part may be 8bit."""
    alternative = _Multipart("alternative", edition.id, eight_bit)
    outer = _Multipart("mixed", edition.id, eight_bit)
    between, closing = alternative.between.encode(), alternative.closing.encode()
    if edition.inline:
        related = _Multipart("related", edition.id, eight_bit, '; type="text/html"')  # RFC 2387 §3.1
        between += f"{related.header}\r\n{related.opening}".encode()
        closing = _write_files(edition.inline, related, "inline") + closing
    if not edition.attachments:
        return Frame(alternative.header.encode(), alternative.opening.encode(), between, closing + b"\r\n")
    opening = f"{outer.opening}{alternative.header}\r\n{alternative.opening}".encode()
    closing += _write_files(edition.attachments, outer, "attachment")
    return Frame(outer.header.encode(), opening, between, closing + b"\r\n")


def _write_files(files: tuple[File, ...], within: _Multipart, disposition: str) -> bytes:
    parts = (within.between.encode() + _write_file(file, disposition) for file in files)
    return b"".join((*parts, within.closing.encode()))


def _write_file(file: File, disposition: str) -> bytes:
    media_type = file.media_type
    if not (_MEDIA_TYPE.fullmatch(media_type) and _ENCODABLE.match(media_type)):
        media_type = "application/octet-stream"
    header = f"Content-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n"
    if file.content_id:
        header += f"Content-ID: <{clean_line(file.content_id)}>\r\n"  # RFC 2392
    header += f"Content-Disposition: {disposition}{write_parameter('filename', file.name)}\r\n\r\n"
    return header.encode("ascii") + encode_base64(file.content)
