"""The form a row keeps: how its message was built, so that it can be built again after the surroundings changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pressrun.delivery.dkim import SigningKey, keys_for
from pressrun.delivery.message import MessageTemplate, wire_address
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.render.edition import Edition


@dataclass(frozen=True, slots=True)
class Form:
    """An edition made ready for filling, and the keys its links are signed with.

    `text` is what rows keep, `8bit dkim=pr202602,pr202602e key=k3V7` say: the encoding, the selectors of the DKIM keys,
    and which of the keys of links signed. Rows from before those had names keep no `key`.
    """

    template: MessageTemplate
    keys: LinkKeys
    text: str


def make_form(edition: Edition, signing: Sequence[SigningKey], keys: LinkKeys, *, eight_bit: bool) -> Form:
    """The form in which a message is sent now; `signing` are all DKIM keys there are."""
    template = MessageTemplate(edition, eight_bit=eight_bit, signing=keys_for(signing, edition.sender_address))
    return Form(template, keys, f"{template.form} key={keys.newest.id}")


def read_form(text: str, edition: Edition, signing: Sequence[SigningKey], keys: LinkKeys) -> Form:
    """The form that a row's `text` tells of.

    Raises UsageError where a key that signed the message is not among `signing`, or one that signed its links not among
    `keys`.
    """
    encoding, *rest = text.split(" ")
    said = dict(part.split("=", 1) for part in rest)
    selectors = [selector for selector in said.get("dkim", "").split(",") if selector]
    used = [_key_called(selector, signing, edition.sender_address) for selector in selectors]
    template = MessageTemplate(edition, eight_bit=encoding == "8bit", signing=used)
    return Form(template, _keys_led_by(said.get("key"), keys), text)


def _key_called(selector: str, signing: Sequence[SigningKey], sender: str) -> SigningKey:
    """The key with that selector that may sign for the sender, of the nearest domain where there are several."""
    if found := keys_for([key for key in signing if key.selector == selector], sender):
        return max(found, key=lambda key: len(key.domain))
    domain = wire_address(sender).rpartition("@")[2]
    raise UsageError(
        f"the message was signed with the key {selector}, which is not among the keys for {domain}",
        "put the key back where the settings dkim_keys and dkim_folder say (docs/signing.md)",
    )


def _keys_led_by(name: str | None, keys: LinkKeys) -> LinkKeys:
    if found := keys.led_by(name):
        return found
    raise UsageError(
        f"the message's links were signed with the key {name}, which is not among those that secret_key holds",
        "put the key back, behind the newer ones (docs/web.md)",
    )
