"""Writes an edition to files as a sample reader would get it."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

from pressrun.condition import parse_condition
from pressrun.delivery.message import MessageTemplate, Recipient, read_values
from pressrun.delivery.value import read_facts
from pressrun.render.edition import Edition
from pressrun.render.inline import content_id
from pressrun.render.mail import Rendering
from pressrun.render.slot import SlotTokens, cut_html, cut_plain, select_blocks

SAMPLE_ADDRESS = "reader@example.com"
SAMPLE_NAME = {"ar": "ليلى", "en": "Robin Reader", "zh": "林晓"}


def write_sample(rendering: Rendering, issue_folder: Path, out: Path) -> list[Path]:
    """Write email.html, email.txt and message.eml into `out`, and preview.html with its pictures beside it.

    email.html is the mail as sent, its pictures at their public addresses; preview.html shows it from this disk.
    """
    edition = rendering.edition
    out.mkdir(parents=True, exist_ok=True)
    recipient = _sample_reader(edition)
    tokens, values = SlotTokens(edition.nonce), read_values(edition, recipient)
    html, text = (select_blocks(each, tokens, _judge(edition, recipient)) for each in (edition.html, edition.text))
    html = cut_html(html, tokens).fill(values)
    pictures = _copy_pictures(issue_folder, out)
    contents = {
        "email.html": html.encode(),
        "email.txt": cut_plain(text, tokens).fill(values).encode(),
        "message.eml": MessageTemplate(edition).fill(recipient),
        "preview.html": _point_to_disk(html, edition, pictures).encode(),
    }
    for file, content in contents.items():
        (out / file).write_bytes(content)
    return [out / file for file in contents]


def _sample_reader(edition: Edition) -> Recipient:
    """A reader with a name, of whom nothing else is known."""
    base = edition.base_url.rstrip("/")
    return Recipient(
        address=SAMPLE_ADDRESS,
        name=SAMPLE_NAME.get(edition.language.split("-")[0], SAMPLE_NAME["en"]),
        message_id=f"<{edition.id[:24]}.sample@{edition.sender_address.rpartition('@')[2]}>",
        planned_at=edition.published,
        unsubscribe_url=f"{base}/unsubscribe/sample",
        unsubscribe_mail=edition.unsubscribe_mail,
        preferences_url=f"{base}/preferences/sample",
        list="sample",
    )


def _judge(edition: Edition, recipient: Recipient) -> list[bool]:
    facts = read_facts(recipient)
    return [parse_condition(condition).holds(facts) for condition in edition.conditions]


def _point_to_disk(html: str, edition: Edition, pictures: list[str]) -> str:
    """`html` with its pictures where they lie beside it."""
    for name in pictures if edition.inline else ():
        html = html.replace(f'src="cid:{content_id(name, edition.list_id)}"', f'src="{quote(name)}"')
    return html.replace(f"{edition.url}media/", "media/")


def _copy_pictures(issue_folder: Path, out: Path) -> list[str]:
    """Copy the issue's media files; gives their paths from its folder."""
    files = [file for file in sorted((issue_folder / "media").rglob("*")) if file.is_file() and file.suffix != ".yaml"]
    for file in files:
        target = out / file.relative_to(issue_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return [file.relative_to(issue_folder).as_posix() for file in files]
