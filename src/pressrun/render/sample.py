"""Writes an edition to files as a sample reader would get it."""

from __future__ import annotations

import shutil
from pathlib import Path

from pressrun.delivery.message import MessageTemplate, Recipient, greet
from pressrun.render.mail import Rendering
from pressrun.render.slot import Slot, SlotTokens, cut_html, cut_plain

SAMPLE_ADDRESS = "reader@example.com"
SAMPLE_NAME = {"zh": "林晓", "en": "Robin Reader"}


def write_sample(rendering: Rendering, issue_folder: Path, out: Path) -> list[Path]:
    """Write email.html, email.txt and message.eml into `out`, and preview.html with its pictures beside it.

    email.html is the mail as sent, its pictures at their public addresses; preview.html shows it from this disk.
    """
    edition = rendering.edition
    out.mkdir(parents=True, exist_ok=True)
    name = SAMPLE_NAME.get(edition.language.split("-")[0], SAMPLE_NAME["en"])
    recipient = Recipient(
        address=SAMPLE_ADDRESS,
        name=name,
        message_id=f"<{edition.id[:24]}.sample@{edition.sender_address.rpartition('@')[2]}>",
        planned_at=edition.published,
        unsubscribe_url=f"{edition.base_url.rstrip('/')}/unsubscribe/sample",
        unsubscribe_mail=edition.unsubscribe_mail,
    )
    values = {
        Slot.GREETING: greet(edition, name),
        Slot.NAME: name,
        Slot.ADDRESS: SAMPLE_ADDRESS,
        Slot.UNSUBSCRIBE_URL: recipient.unsubscribe_url,
    }
    tokens = SlotTokens(edition.nonce)
    html = cut_html(edition.html, tokens).fill(values)
    contents = {
        "email.html": html.encode(),
        "email.txt": cut_plain(edition.text, tokens).fill(values).encode(),
        "message.eml": MessageTemplate(edition).fill(recipient),
        "preview.html": html.replace(f"{edition.url}media/", "media/").encode(),
    }
    for file, content in contents.items():
        (out / file).write_bytes(content)
    _copy_pictures(issue_folder, out)
    return [out / file for file in contents]


def _copy_pictures(issue_folder: Path, out: Path) -> None:
    (out / "media").mkdir(exist_ok=True)
    for picture in (issue_folder / "media").iterdir():
        if picture.suffix != ".yaml":
            shutil.copyfile(picture, out / "media" / picture.name)
