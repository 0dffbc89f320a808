"""Signatures hold for other people's verifiers, whatever the headers and bodies; nothing signed can be changed."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dkim.canonicalization import Relaxed
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pressrun.delivery.dkim import OVERSIGNED, Algorithm, HeaderSigner, SigningKey, canonicalize_body
from signed_message import BODY, CONSTANT, MOMENT, VARYING, ask_dkimpy, ask_opendkim, both_keys, compose

HEADERS = VARYING + CONSTANT
NAMES = re.findall(rb"^([A-Za-z-]+):", HEADERS, re.MULTILINE)
HASH = hashlib.sha256(canonicalize_body(BODY)).digest()


def signature_headers(message: bytes) -> list[str]:
    """The DKIM-Signature headers of a message, still folded."""
    found = re.findall(rb"^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", message, re.MULTILINE)
    return [header.decode("ascii") for header in found]


def tags_of(header: str) -> dict[str, str]:
    """The tags of a signature, without whitespace."""
    pairs = (tag.split("=", 1) for tag in "".join(header.partition(":")[2].split()).split(";"))
    return {name: value for name, value in pairs}


def ed25519() -> tuple[SigningKey]:
    return (both_keys()[1],)


def test_dkimpy_and_opendkim_verify_both_signatures() -> None:
    message = compose(both_keys())
    assert ask_dkimpy(message, both_keys()) == [True, True]
    assert ask_opendkim(message, both_keys()) == {"rsa-sha256": "pass", "ed25519-sha256": "pass"}


def test_the_key_of_rfc_8463_gives_the_signature_printed_there() -> None:
    # RFC 8463, Appendix A
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))
    key = SigningKey("football.example.com", "brisbane", Algorithm.ED25519_SHA256, private)
    assert key.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    body_hash = base64.b64encode(hashlib.sha256(canonicalize_body(body)).digest())
    assert body_hash == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    signed = (
        b"from:Joe SixPack <joe@football.example.com>\r\nto:Suzie Q <suzie@shopping.example.net>\r\n"
        b"subject:Is dinner ready?\r\ndate:Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"message-id:<20030712040037.46341.5F8J@football.example.com>\r\n"
        b"dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; i=@football.example.com; "
        b"q=dns/txt; s=brisbane; t=1528637909; h=from : to : subject : date : message-id : from : subject : date; "
        b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b="
    )
    made = base64.b64encode(key.sign(hashlib.sha256(signed).digest()))
    assert made == b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="


def test_a_signature_says_what_it_should_and_nothing_more() -> None:
    rsa, edwards = map(tags_of, signature_headers(compose(both_keys())))
    assert list(rsa) == ["v", "a", "c", "d", "s", "t", "bh", "h", "b"]  # neither x= nor l=
    assert (rsa["a"], rsa["s"], edwards["a"], edwards["s"]) == ("rsa-sha256", "test", "ed25519-sha256", "test-ed25519")
    assert {(one["v"], one["c"], one["d"]) for one in (rsa, edwards)} == {("1", "relaxed/relaxed", "spp.example.com")}
    assert rsa["t"] == str(int(MOMENT.timestamp()))
    assert rsa["h"] == edwards["h"]


def test_all_headers_here_are_signed_and_five_are_named_once_more() -> None:
    listed = tags_of(signature_headers(compose(ed25519()))[0])["h"].split(":")
    expected = sorted([name.lower().decode() for name in NAMES] + [name.decode() for name in OVERSIGNED])
    assert sorted(listed) == expected


def test_headers_of_no_interest_are_not_signed() -> None:
    varying = b"X-Campaign: 7\r\nReceived: from nowhere\r\n" + VARYING
    message = compose(ed25519(), varying)
    assert "x-campaign" not in tags_of(signature_headers(message)[0])["h"]
    assert ask_dkimpy(message.replace(b"X-Campaign: 7", b"X-Campaign: 8"), ed25519()) == [True]


def test_names_that_are_missing_are_oversigned_all_the_same() -> None:
    varying = b"To: lin@example.com\r\n"
    message = compose(ed25519(), varying, b"From: bulletin@spp.example.com\r\n")
    assert (
        tags_of(signature_headers(message)[0])["h"] == "from:to:from:to:subject:list-unsubscribe:list-unsubscribe-post"
    )
    assert ask_dkimpy(message, ed25519()) == [True]
    assert ask_dkimpy(message.replace(b"\r\nTo:", b"\r\nSubject: buy\r\nTo:", 1), ed25519()) == [False]


def test_signatures_are_the_same_octets_each_time_and_stand_first() -> None:
    first, second = compose(both_keys()), compose(both_keys())
    assert first == second
    assert first.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert first.endswith(HEADERS + b"\r\n" + BODY)


def test_without_keys_nothing_is_added() -> None:
    assert HeaderSigner((), CONSTANT).sign(VARYING, HASH, MOMENT) == b""


@pytest.mark.parametrize("domain", ["a.example.com", f"{'x' * 60}.{'y' * 60}.example.com", "xn--fiqs8s.example.com"])
def test_signatures_are_folded_at_78_characters(domain: str) -> None:
    key = SigningKey(domain, "s" * 30, Algorithm.RSA_SHA256, both_keys()[0].private_key)
    (header,) = signature_headers(compose([key]))
    lines = header.removesuffix("\r\n").split("\r\n")
    too_long = [line for line in lines if len(line) > 78 and line != f" d={domain};"]  # a domain can't be folded
    assert too_long == []
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert ask_dkimpy(compose([key]), [key]) == [True]


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_letter_in_a_header_breaks_both(name: bytes) -> None:
    changed, count = re.subn(rb"^(%b: .*?)([A-Za-z0-9])" % name, rb"\1~", HEADERS, count=1, flags=re.MULTILINE)
    assert count == 1
    message = compose(both_keys())
    assert ask_dkimpy(message.replace(HEADERS, changed), both_keys()) == [False, False]


@pytest.mark.parametrize("name", [b"From", b"To", b"Subject", b"List-Unsubscribe", b"List-Unsubscribe-Post"])
def test_a_second_one_breaks_both_wherever_it_is_added(name: bytes) -> None:
    message, added = compose(both_keys()), name + b": <other@example.com>\r\n"
    head, _, body = message.partition(b"\r\n\r\n")
    assert ask_dkimpy(added + message, both_keys()) == [False, False]
    assert ask_dkimpy(head + b"\r\n" + added + b"\r\n" + body, both_keys()) == [False, False]
    assert ask_opendkim(added + message, both_keys()) == {"rsa-sha256": "fail", "ed25519-sha256": "fail"}


@pytest.mark.parametrize("name", NAMES)
def test_a_header_taken_away_breaks_both(name: bytes) -> None:
    less = re.sub(rb"^%b:.*\r\n(?:[ \t].*\r\n)*" % name, b"", HEADERS, flags=re.MULTILINE)
    assert less != HEADERS
    assert ask_dkimpy(compose(both_keys()).replace(HEADERS, less), both_keys()) == [False, False]


@pytest.mark.parametrize("changed", [BODY + b"more\r\n", b"\r\n" + BODY, BODY.replace(b".", b",", 1), b""])
def test_a_changed_body_breaks_both(changed: bytes) -> None:
    message = compose(both_keys()).removesuffix(BODY) + changed
    assert ask_dkimpy(message, both_keys()) == [False, False]
    assert set(ask_opendkim(message, both_keys()).values()) == {"fail"}


def test_one_signature_does_not_cover_the_other() -> None:
    message = compose(both_keys())
    first, second = signature_headers(message)
    assert ask_dkimpy(message.replace(first.encode(), b""), both_keys()) == [True]
    assert ask_dkimpy(message.replace(second.encode(), b""), both_keys()) == [True]


def test_headers_unfolded_and_lines_trimmed_on_the_way_still_verify() -> None:
    message = compose(both_keys())
    refolded = re.sub(rb"\r\n[ \t]+", b" ", HEADERS).replace(b"; charset", b";\r\n\t   charset")
    relayed = message.replace(HEADERS, refolded).replace(b" \r\n", b"\r\n") + b"\r\n"
    assert relayed != message
    assert ask_dkimpy(relayed, both_keys()) == [True, True]
    assert set(ask_opendkim(relayed, both_keys()).values()) == {"pass"}


def test_headers_of_one_name_are_hashed_from_below() -> None:
    varying = VARYING + b"List-Help: <https://spp.example.com/1>\r\nList-Help: <https://spp.example.com/2>\r\n"
    message = compose(both_keys(), varying, CONSTANT + b"List-Help: <https://spp.example.com/3>\r\n")
    assert ask_dkimpy(message, both_keys()) == [True, True]
    assert set(ask_opendkim(message, both_keys()).values()) == {"pass"}


def test_recipients_with_other_headers_get_other_lists_from_the_same_signer() -> None:
    signer, key = HeaderSigner(ed25519(), CONSTANT), ed25519()
    short = b"To: lin@example.com\r\nDate: Fri, 20 Feb 2026 09:00:00 +0000\r\n"
    for varying in (VARYING, short, VARYING, short):
        message = signer.sign(varying, HASH, MOMENT) + varying + CONSTANT + b"\r\n" + BODY
        assert ask_dkimpy(message, key) == [True]


def test_a_signer_remembers_a_bounded_number_of_lists() -> None:
    signer = HeaderSigner(ed25519(), CONSTANT)
    for n in range(200):
        varying = VARYING + b"".join(b"List-X%d: y\r\n" % m for m in range(n % 150))
        signer.sign(varying, HASH, MOMENT)
    assert len(signer._forms) <= 64


# What a header or a body may hold on the wire: any octet that is no control character, tabs, and folds.
words = st.binary(min_size=1, max_size=90).map(lambda raw: bytes(c for c in raw if c >= 0x21 and c != 0x7F) or b"x")
gaps = st.sampled_from([b" ", b"  ", b"\t", b" \t ", b"\r\n ", b"\r\n\t\t", b" \r\n  "])
values = st.builds(
    lambda first, rest, blanks: first + b"".join(gap + word for gap, word in rest) + blanks,
    words,
    st.lists(st.tuples(gaps, words), max_size=8),
    st.sampled_from([b"", b" ", b"\t "]),
)
signed_names = st.sampled_from([b"Subject", b"TO", b"from", b"List-Help", b"Content-Type", b"Feedback-ID", b"X-Other"])
colons = st.sampled_from([b":", b": ", b":  ", b":\t", b":\r\n "])
headers = st.builds(lambda name, colon, value: name + colon + value + b"\r\n", signed_names, colons, values)
blocks = st.lists(headers, max_size=6).map(b"".join)
lines = st.lists(st.sampled_from([b" ", b"\t", b"x", b"=", b".", b"\xe6\x9e\x97", b"\x0b", b"yz"]), max_size=12).map(
    b"".join
)
bodies = st.lists(lines, max_size=12).map(lambda found: b"".join(line + b"\r\n" for line in found))


@given(varying=blocks, constant=blocks, body=bodies)
@settings(max_examples=150, deadline=None)
def test_any_message_verifies(varying: bytes, constant: bytes, body: bytes) -> None:
    sender = b"From: bulletin@spp.example.com\r\n"
    assert ask_dkimpy(compose(ed25519(), varying, sender + constant, body), ed25519()) == [True]


@given(varying=blocks, constant=blocks, body=bodies)
@settings(max_examples=10, deadline=None)
def test_any_message_verifies_with_opendkim(varying: bytes, constant: bytes, body: bytes) -> None:
    names = re.findall(rb"^([A-Za-z-]+):", varying + constant, re.MULTILINE)
    once = [name for name in names if name.lower() in (b"from", b"to", b"subject", b"content-type")]
    # OpenDKIM refuses messages that RFC 5322 §3.6 does not allow.
    assume(len({name.lower() for name in once}) == len(once) and b"from" not in names)
    sender = b"From: bulletin@spp.example.com\r\nDate: Fri, 20 Feb 2026 09:00:00 +0000\r\n"
    said = ask_opendkim(compose(both_keys(), varying, sender + constant, body), both_keys())
    assert said == {"rsa-sha256": "pass", "ed25519-sha256": "pass"}


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_octet_of_what_is_signed_can_be_changed(data: st.DataObject) -> None:
    content = HEADERS + b"\r\n" + BODY.rstrip()
    places = [n for n, octet in enumerate(content) if octet not in b" \t\r\n"]
    place = data.draw(st.sampled_from(places))
    letter = content[place : place + 1]
    other = data.draw(st.sampled_from([b"a", b"Z", b"7", b"-"]).filter(lambda found: found.lower() != letter.lower()))
    signatures = compose(ed25519()).removesuffix(HEADERS + b"\r\n" + BODY)
    changed = content[:place] + other + content[place + 1 :] + b"\r\n"
    assert ask_dkimpy(signatures + changed, ed25519()) == [False]


@given(bodies)
@settings(deadline=None)
def test_a_body_is_canonicalised_as_dkimpy_does(body: bytes) -> None:
    assert canonicalize_body(body) == Relaxed.canonicalize_body(body)


@given(bodies)
@settings(deadline=None)
def test_a_canonical_body_stays_as_it_is(body: bytes) -> None:
    canonical = canonicalize_body(body)
    assert canonicalize_body(canonical) == canonical


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t\r\n \r\n", b""),
        (b"x", b"x\r\n"),
        (b"x \t", b"x\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376 §3.4.5
    ],
)
def test_a_body_in_relaxed_form(body: bytes, canonical: bytes) -> None:
    assert canonicalize_body(body) == canonical
