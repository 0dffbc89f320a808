"""Reads what others wrapped an address in to count and tell apart who presses it, and takes that off."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

# A parameter of one of these names says who the reader is.
_PERSONAL = frozenset(
    "mc_eid _hsenc mkt_tok vero_id vero_conv ck_subscriber_id oly_enc_id oly_anon_id rb_clickid elqtrackid elq "
    "trk_contact nr_email_referer bsft_uid bsft_eid _ke _kx dm_i wickedid ml_subscriber ml_subscriber_hash sfmc_sub "
    "subscriber_id subscriberid recipient_id recipientid __s".split()
)
# One of these says through which letter, post or advertisement a reader came.
_CAMPAIGN = frozenset(
    "fbclid gclid dclid gbraid wbraid msclkid igshid igsh twclid yclid mc_cid _hsmi ref_src spm vd_source share_source "
    "share_token sc_campaign s_cid".split()
)
# A day or a count is digits alone, and a word letters alone: a reader's mark has both.
_READER = re.compile(
    r"[?&]e=(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,}(?=&|$|#)|/userid/|[?&]qs=[0-9a-f]{32,}", re.IGNORECASE
)
# Services that count presses for a newsletter; where the link ends can often not be seen.
_COUNTERS = re.compile(
    r"list-manage\d*\.com/track/|/track/(?:link|click)/|substack\.com/redirect/|/ls/click\?|awstrack\.me/|"
    r"mandrillapp\.com/track/|(?:cmail|createsend)\d*\.com/t/|mjt\.lu/lnk/|sendib\w+\.com/(?:tr|mk)/cl/|"
    r"hubspotlinks\.com/|/e3t/ctc/|rs6\.net/|beehiiv\.com/ss/c/|click\.convertkit-mail\w*\.com/|"
    r"klclick\d*\.com/|constantcontact\.com/tn\.jsp|mailchi\.mp/.*[?&]e=|exct\.net/",
    re.IGNORECASE,
)
_GUARDS = re.compile(
    r"\.safelinks\.protection\.outlook\.com/|//urldefense(?:\.proofpoint)?\.(?:com|us)/", re.IGNORECASE
)
_SHORTENERS = frozenset(
    "bit.ly lnkd.in t.co tinyurl.com goo.gl ow.ly buff.ly is.gd dlvr.it rb.gy cutt.ly shorturl.at t.cn dwz.cn "
    "url.cn suo.im t.ly amzn.to fb.me".split()
)
# Pages that only send on: host, path, and the parameter that says where to.
_PASSAGES = (
    (r"(?:www\.)?google\.[a-z.]+", "/url", ("q", "url")),
    (r"lm?\.facebook\.com", "/l.php", ("u",)),
    (r"(?:www\.)?linkedin\.com", "/redir/redirect", ("url",)),
    (r"(?:www\.)?youtube\.com", "/redirect", ("q",)),
    (r"duckduckgo\.com", "/l/", ("uddg",)),
    (r"vk\.com", "/away.php", ("to",)),
    (r"slack-redir\.net", "/link", ("url",)),
    (r"link\.(?:zhihu|juejin|csdn)\.(?:com|cn|net)", "/", ("target",)),
)
_URLDEFENSE_3 = re.compile(r"/v3/__(?P<url>.+?)__;(?P<filled>[^!]*)!")
_RUNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Kind = Literal["reader", "campaign", "passage"]


@dataclass(frozen=True)
class Wrapping:
    """What an address carries: who the reader is, which campaign, or only a page that sends on; and by what it does."""

    kind: Kind
    by: str


def read_wrapping(url: str) -> Wrapping | None:
    """What is wrapped around `url`, the worst of it; None where it is clean."""
    host, path = _split(url)
    if found := _GUARDS.search(url) or _COUNTERS.search(url) or _READER.search(url):
        return Wrapping("reader", found[0].strip("/?&."))
    if named := [name for name in _names(url) if name in _PERSONAL]:
        return Wrapping("reader", named[0])
    if host in _SHORTENERS and path.strip("/"):
        return Wrapping("passage", host)
    if _passage_target(url):
        return Wrapping("passage", host)
    if named := [name for name in _names(url) if _is_campaign(name)]:
        return Wrapping("campaign", named[0])
    return None


def unwrap(url: str) -> str:
    """The address `url` ends at, as far as it can be seen without asking; `url` itself where it is clean."""
    while True:
        target = _target(url)
        bare = target if target and len(target) < len(url) else _without_marks(url)
        if bare == url:
            return url
        url = bare


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path
    except ValueError:  # `http://[`
        return "", ""


def _query(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def _names(url: str) -> list[str]:
    return [unquote(part.partition("=")[0]).lower() for part in _query(url).split("&")]


def _values(url: str) -> dict[str, str]:
    try:
        return {name.lower(): value for name, value in parse_qsl(_query(url), max_num_fields=200)}
    except ValueError:  # more of them than any address has
        return {}


def _is_campaign(name: str) -> bool:
    return name in _CAMPAIGN or name.startswith("utm_")


def _without_marks(url: str) -> str:
    """`url` without the parameters that name reader or campaign."""
    before, hash_, fragment = url.partition("#")
    page, mark, query = before.partition("?")
    if not mark:
        return url
    kept = [part for part in query.split("&") if not _is_mark(part)]
    if len(kept) == query.count("&") + 1:
        return url
    return page + ("?" + "&".join(kept) if any(kept) else "") + hash_ + fragment


def _is_mark(part: str) -> bool:
    name = unquote(part.partition("=")[0]).lower()
    return name in _PERSONAL or _is_campaign(name) or bool(_READER.fullmatch(f"?{part}"))


def _target(url: str) -> str | None:
    """Where a wrapping sends on to, where it says so itself."""
    try:
        found = _guard_target(url) or _passage_target(url) or _counter_target(url)
    except (ValueError, LookupError, TypeError, binascii.Error, RecursionError):  # it only looks like a wrapping
        return None
    return found if found and re.match(r"https?://[^/\s]+\S*$", found) else None


def _guard_target(url: str) -> str | None:
    if not _GUARDS.search(url):
        return None
    if found := _URLDEFENSE_3.search(url):
        return _fill_in(found["url"], found["filled"])
    values = _values(url)
    if "/v2/" in url and "u" in values:
        return unquote(values["u"].replace("-", "%").replace("_", "/"))
    return values.get("url") or values.get("u")


def _fill_in(url: str, filled: str) -> str:
    """An address of urldefense v3 with what stands for its asterisks: `*` for one character, `**X` for a run."""
    characters = iter(base64.urlsafe_b64decode(filled + "=" * (-len(filled) % 4)).decode())

    def put(match: re.Match[str]) -> str:
        count = _RUNS.index(match[1]) + 2 if match[1] else 1
        return "".join(next(characters, "") for _ in range(count))

    return re.sub(r"\*\*([\w-])|\*", put, url)


def _passage_target(url: str) -> str | None:
    host, path = _split(url)
    for hosts, at, names in _PASSAGES:
        if path.rstrip("/") == at.rstrip("/") and re.fullmatch(hosts, host):
            values = _values(url)
            return next((values[name] for name in names if values.get(name, "").startswith("http")), None)
    return None


def _counter_target(url: str) -> str | None:
    if not _COUNTERS.search(url):
        return None
    if found := re.search(r"awstrack\.me/L\d+/([^/]+)", url):
        return unquote(found[1])
    if found := re.search(r"substack\.com/redirect/2/([\w-]+)", url):
        return _read_json(found[1]).get("e")
    values = _values(url)
    if "mandrillapp.com/track/" in url and "p" in values:
        inner: dict[str, Any] = json.loads(_read_json(values["p"]).get("p", "{}"))
        return inner.get("url")
    return next((value for value in values.values() if re.match(r"https?://", value)), None)


def _read_json(packed: str) -> dict[str, Any]:
    value = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return value if isinstance(value, dict) else {}
