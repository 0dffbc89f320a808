"""The form a row keeps leads back to the same template, whatever keys there are by now."""

from __future__ import annotations

import pytest

from pressrun.delivery.dkim import Algorithm
from pressrun.delivery.dkim_key import make_key
from pressrun.delivery.form import make_form, read_form
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from small_edition import KEY, OTHER_KEY, make_edition, make_recipient

OLD = make_key("spp.example.com", "pr202601", Algorithm.ED25519_SHA256)
NEW = make_key("spp.example.com", "pr202602", Algorithm.ED25519_SHA256)
ABOVE = make_key("example.com", "pr202602", Algorithm.ED25519_SHA256)
RSA = make_key("example.com", "rsa1", Algorithm.RSA_SHA256)
EDITION = make_edition(eight_bit=True)


@pytest.mark.parametrize("eight_bit", [False, True])
@pytest.mark.parametrize("keys", [[], [OLD], [RSA, OLD], [NEW]], ids=len)
def test_the_same_template_comes_back(eight_bit: bool, keys: list) -> None:  # type: ignore[type-arg]
    made = make_form(EDITION, keys, KEY, eight_bit=eight_bit)
    again = read_form(made.text, EDITION, [*keys, ABOVE, OLD, NEW, RSA], LinkKeys((*OTHER_KEY.keys, *KEY.keys)))
    assert (again.text, again.keys.newest) == (made.text, KEY.newest)
    assert again.template.fill(make_recipient()) == made.template.fill(make_recipient())


def test_it_tells_the_encoding_and_the_keys_that_signed() -> None:
    assert make_form(EDITION, [], KEY, eight_bit=False).text == f"7bit key={KEY.newest.id}"
    assert make_form(EDITION, [RSA, OLD], KEY, eight_bit=True).text == f"8bit dkim=rsa1,pr202601 key={KEY.newest.id}"


@pytest.mark.parametrize("text", ["8bit", "7bit dkim=rsa1"])
def test_rows_from_before_keys_of_links_had_names_have_links_by_the_oldest(text: str) -> None:
    form = read_form(text, EDITION, [RSA], LinkKeys((*OTHER_KEY.keys, *KEY.keys)))
    assert (form.text, form.keys.newest.secret, form.keys.newest.is_named) == (text, KEY.newest.secret, False)


def test_a_key_of_links_that_is_gone_is_told() -> None:
    with pytest.raises(UsageError, match=f"the key {KEY.newest.id}, which is not among those that secret_key holds"):
        read_form(f"8bit key={KEY.newest.id}", EDITION, [], OTHER_KEY)


@pytest.mark.parametrize("there", [[], [NEW], [make_key("example.org", "pr202601", Algorithm.ED25519_SHA256)]], ids=len)
def test_a_key_that_is_gone_is_told_by_name(there: list) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError, match=r"signed with the key pr202601, .* keys for spp\.example\.com — put the key"):
        read_form("7bit dkim=rsa1,pr202601", EDITION, [RSA, *there], KEY)
