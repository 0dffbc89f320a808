"""Frames: the parts of a message stand where mail programs look for them."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.mime import make_frame
from pressrun.render.edition import Edition, File
from small_edition import make_edition, make_personal_edition, make_recipient


def read(edition: Edition) -> EmailMessage:
    octets = MessageTemplate(edition).fill(make_recipient())
    return message_from_bytes(octets, policy=policy.default)  # type: ignore[return-value]


def shape(part: EmailMessage) -> object:
    """The content type; of a multipart, with those of what it holds."""
    if not part.is_multipart():
        return part.get_content_type()
    return part.get_content_type(), [shape(inner) for inner in part.iter_parts()]


PICTURE = File(name="a.png", media_type="image/png", content=b"\x89PNG", content_id="a@example.com")
PAPER = File(name="issue.pdf", media_type="application/pdf", content=b"%PDF")
ALTERNATIVE = ("multipart/alternative", ["text/plain", "text/html"])
RELATED = ("multipart/alternative", ["text/plain", ("multipart/related", ["text/html", "image/png"])])


@pytest.mark.parametrize(
    ("inline", "attachments", "expected"),
    [
        ((), (), ALTERNATIVE),
        ((PICTURE,), (), RELATED),
        ((), (PAPER,), ("multipart/mixed", [ALTERNATIVE, "application/pdf"])),
        ((PICTURE,), (PAPER, PAPER), ("multipart/mixed", [RELATED, "application/pdf", "application/pdf"])),
    ],
)
def test_parts_are_nested_as_mail_programs_expect(
    inline: tuple[File, ...], attachments: tuple[File, ...], expected: object
) -> None:
    message = read(make_edition(inline=inline, attachments=attachments))
    assert shape(message) == expected
    assert not any(part.defects for part in message.walk())


def test_a_picture_is_found_by_its_content_id_and_stays_out_of_the_list_of_attachments() -> None:
    message = read(make_personal_edition())
    picture = next(part for part in message.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<cover@bulletin.spp.example.com>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == bytes(range(256))
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    assert related.get_param("type") == "text/html"  # RFC 2387 §3.1


def test_attachments_come_whole_and_by_their_names() -> None:
    attachments = list(read(make_personal_edition()).iter_attachments())
    assert [part.get_filename() for part in attachments] == ["可持续公共采购通讯 2026 年第 2 期.pdf", "data.csv"]
    assert {part.get_content_disposition() for part in attachments} == {"attachment"}
    assert [part.get_payload(decode=True) for part in attachments] == [
        b"%PDF-1.7\n" * 40,
        "城市,数\r\n北京,1\r\n".encode(),
    ]


@pytest.mark.parametrize(
    "media_type", ["message/rfc822", "multipart/mixed", "no type", "image/png\r\nBcc: a@example.com"]
)
def test_what_cant_be_said_or_encoded_is_a_file_of_octets(media_type: str) -> None:
    message = read(make_edition(attachments=(File(name="a", media_type=media_type, content=b"x"),)))
    (part,) = message.iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == b"x"


def test_what_surrounds_8bit_says_so_at_every_level() -> None:
    # RFC 2045 §6.4
    frame = make_frame(make_personal_edition(), eight_bit=True)
    whole = frame.header + frame.opening + frame.between
    assert whole.count(b"multipart/") == whole.count(b"Content-Transfer-Encoding: 8bit") == 3
    assert b"8bit" not in make_frame(make_personal_edition(), eight_bit=False).header


def test_no_boundary_is_the_beginning_of_another() -> None:
    found = [part.get_boundary() for part in read(make_personal_edition()).walk() if part.is_multipart()]
    boundaries = [boundary for boundary in found if boundary]
    assert len(boundaries) == 3
    for one in boundaries:
        assert len(one) <= 70  # RFC 2046 §5.1.1
        assert not any(other.startswith(one) for other in boundaries if other != one)


def test_boundaries_are_the_editions_own() -> None:
    assert make_frame(make_edition(id="a" * 64), eight_bit=False) != make_frame(
        make_edition(id="b" * 64), eight_bit=False
    )
    assert make_frame(make_edition(), eight_bit=False) == make_frame(make_edition(), eight_bit=False)
