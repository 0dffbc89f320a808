"""What a server said, without whom it said it about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.gist import MOST, gist_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5.1.1 <lin.xiao@example.com>: Recipient address rejected", "5.1.1 <…>: Recipient address rejected"),
        ("mailbox lin.xiao@example.com is full", "mailbox … is full"),
        ("user lin.xiao unknown", "user … unknown"),
        ("User LIN.XIAO unknown", "User … unknown"),
        ('5.1.1 "lin xiao"@example.com: gone', "5.1.1 …: gone"),
        ("see https://example.com/why?to=lin.xiao%40example.com&x=1", "see https://example.com/why?to=…&x=1"),
        ("<林晓@例子.example.com> 不存在", "<…> 不存在"),
        ("bounced other@example.net too", "bounced … too"),
        ("linxxiao is another word", "linxxiao is another word"),
        ("4.3.2 try again later", "4.3.2 try again later"),
    ],
)
def test_nobody_is_named(text: str, shown: str) -> None:
    assert gist_of(text, "lin.xiao@example.com") == shown


def test_a_short_local_part_does_not_eat_words() -> None:
    assert gist_of("a mailbox at a server", "a@example.com") == "a mailbox at a server"


def test_a_long_reply_is_cut() -> None:
    assert gist_of("x " * 500) == f"{('x ' * 500)[: MOST - 1]}…"


@given(
    st.from_regex(r"[a-z0-9][a-z0-9._+-]{2,20}", fullmatch=True),
    st.text(max_size=40).filter(lambda text: "@" not in text),
    st.sampled_from(["<{}>", " {} ", "({})", "'{}'", "{}:", "{};", "to={}"]),
)
def test_an_address_never_shows_whatever_stands_around_it(local: str, around: str, form: str) -> None:
    address = f"{local}@example.com"
    assert address not in gist_of(around + form.format(address) + around, address)
    assert "@" not in gist_of(around + form.format(address) + around, "")
