"""Service mails: what one person gets because of something they did, such as asking for a newsletter; no list mail."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path

from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.courier import Parcel
from pressrun.delivery.dkim_key import SigningKey, keys_for
from pressrun.delivery.header import needs_smtputf8, wire_address, write_mailbox, write_text
from pressrun.delivery.transfer import encode_base64
from pressrun.event_time import tell_date
from pressrun.public.wording import page_words, spoken_language
from pressrun.render.environment import make_html_environment, make_text_environment, render_template
from pressrun.render.mjml import compile_mjml
from pressrun.render.setting import set_language
from pressrun.render.theme import find_theme, load_theme
from pressrun.source.model import Publication
from pressrun.typography import typeset

_TEMPLATE = "service/mail.mjml.j2"
_BASE64 = "charset=utf-8\r\nContent-Transfer-Encoding: base64"
_BOUNDARY = "=_pressrun_service"


class ServiceKind(StrEnum):
    """What a service mail is about."""

    CONFIRM = "confirm"  # somebody asked for the newsletter at this address: is that right?
    ALREADY = "already"  # the same, and they are on the list
    WELCOME = "welcome"  # they confirmed
    CHANGE = "change"  # somebody asked for this address to take the place of theirs: is that right?


# The keys of the words over it, on its button, and for whoever did not ask for it.
_PARTS = {
    ServiceKind.CONFIRM: ("confirm_title", "confirm", "mail_not_you"),
    ServiceKind.ALREADY: ("confirmed_title", "settings", "mail_not_you_already"),
    ServiceKind.WELCOME: ("confirmed_title", "settings", ""),
    ServiceKind.CHANGE: ("change_title", "change_press", "mail_not_you_already"),
}


@dataclass(frozen=True)
class ServiceMail:
    """A mail to one person: `url` is where its button leads, until the day `good_until` in the publication's zone.

    It holds nothing that somebody typed but the address it goes to: it can't be made to carry anybody's words.
    """

    kind: ServiceKind
    publication: Publication
    language: str
    address: str
    url: str
    message_id: str
    written_at: dt.datetime
    good_until: dt.date | None = None


@dataclass(frozen=True)
class WrittenMail:
    """The mail's subject, and what it says in both forms."""

    subject: str
    html: str
    text: str


def write_service_mail(mail: ServiceMail, template_folders: Sequence[Path]) -> WrittenMail:
    """The mail in its publication's theme and the person's language. Raises RenderError where a template fails."""
    theme_name = mail.publication.theme
    folders = [*find_theme(theme_name, template_folders).folders, *template_folders]
    theme, language = load_theme(theme_name, template_folders), spoken_language(mail.language)
    said = _say(mail)
    values: dict[str, object] = {
        **said,
        "publication": mail.publication,
        "language": language,
        "here": set_language(theme, language),
        "words": page_words(language),
        "theme": theme,
        "light": theme.light,
        "dark": theme.dark,
        "scale": theme.scale,
    }
    mjml = render_template(make_html_environment(folders, language=language), _TEMPLATE, **values)
    text = render_template(make_text_environment(folders, language), "service/mail.txt.j2", **values)
    return WrittenMail(said["subject"], compile_mjml(mjml, _TEMPLATE), text)


def _say(mail: ServiceMail) -> dict[str, str]:
    """What the templates are filled with."""
    language, kind, title = spoken_language(mail.language), mail.kind, mail.publication.title
    words = page_words(language)
    heading, button, not_you = _PARTS[kind]
    day = tell_date(mail.good_until, language) if mail.good_until else ""
    return {
        "subject": typeset(words[f"mail_{kind}_subject"].format(title=title), language, binding=False),
        "title": words[heading],
        "text": words[f"mail_{kind}_text"].format(title=title),
        "button": words[button],
        "url": mail.url,
        "good_until": words["mail_good_until"].format(date=day) if day else "",
        "not_you": words[not_you] if not_you else "",
        "why": "" if kind is ServiceKind.WELCOME else words["mail_why"],
    }


def pack_service_mail(
    mail: ServiceMail, written: WrittenMail, signing: Sequence[SigningKey], _connection: Connection
) -> Parcel:
    """The message in its envelope, for any relay: all of it is ASCII but an address that SMTPUTF8 is needed for."""
    publication = mail.publication
    sender = wire_address(publication.return_path or publication.sender.address)
    envelope = Envelope(sender, wire_address(mail.address), needs_smtputf8(mail.address))
    return Parcel(envelope, stuff_dots(write_message(mail, written, signing)))


def write_message(mail: ServiceMail, written: WrittenMail, signing: Sequence[SigningKey] = ()) -> bytes:
    """The whole message (RFC 5322), signed by the keys that are the sender's; lines ended by CRLF, not dot-stuffed."""
    body = _write_body(written, hashlib.sha256(mail.message_id.encode()).hexdigest()[:24])
    headers = _write_headers(mail, written, body.boundary)
    keys = keys_for(signing, mail.publication.sender.address)
    signature = b""
    if keys:
        from pressrun.delivery.dkim import HeaderSigner, canonicalize_body  # takes long

        digest = hashlib.sha256(canonicalize_body(body.octets)).digest()
        signature = HeaderSigner(keys, b"").sign(headers, digest, mail.written_at)
    return signature + headers + b"\r\n" + body.octets


@dataclass(frozen=True)
class _Body:
    boundary: str
    octets: bytes


def _write_headers(mail: ServiceMail, written: WrittenMail, boundary: str) -> bytes:
    publication = mail.publication
    reply_to = f"Reply-To: {write_mailbox('', publication.reply_to)}\r\n" if publication.reply_to else ""
    return (
        f"From: {write_mailbox(publication.sender.name, publication.sender.address)}\r\n{reply_to}"
        f"To: {write_mailbox('', mail.address)}\r\n"
        f"{write_text('Subject', written.subject)}"
        f"Date: {format_datetime(mail.written_at.astimezone(dt.UTC))}\r\n"
        f"Message-ID: {mail.message_id}\r\n"
        "Auto-Submitted: auto-generated\r\n"  # RFC 3834 §5: nobody's absence notice is to answer it
        f"Content-Language: {spoken_language(mail.language)}\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'
    ).encode()


def _write_body(written: WrittenMail, mark: str) -> _Body:
    boundary = f"{_BOUNDARY}_{mark}"
    parts: Mapping[str, str] = {"plain": written.text, "html": written.html}
    pieces = [
        f"--{boundary}\r\nContent-Type: text/{kind}; {_BASE64}\r\n\r\n".encode()
        + encode_base64("\r\n".join(text.splitlines()).encode())
        + b"\r\n"
        for kind, text in parts.items()
    ]
    return _Body(boundary, b"".join((*pieces, f"--{boundary}--\r\n".encode())))
