"""The subscribe form: what it offers, what somebody wrote into it, and whether a person may have done so."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.language import primary
from pressrun.link_keys import LinkKeys
from pressrun.public.request import first
from pressrun.public.wording import page_words
from pressrun.source.model import Publication, PublicList

TRAP = "website"
"""A field no person sees: programs fill in whatever looks like one."""

QUICKEST = dt.timedelta(seconds=2)
"""Nobody reads and fills in a form faster."""

LATEST = dt.timedelta(days=1)

_STAMP = b"pressrun form v1"
_LONGEST_NAME = 100
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True)
class Form:
    """What the form offers in a language."""

    publication: Publication
    language: str
    lists: tuple[PublicList, ...]
    languages: tuple[str, ...]
    """The languages to choose from; empty where there is no choice."""
    wording: str
    """What people agree to."""

    @property
    def version(self) -> str:
        """The hash of all that people agree to: the wording, and the lists as they read them."""
        told = "\n".join((self.wording, *(f"{one.name}\t{one.title}\t{one.about or ''}" for one in self.lists)))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Filled:
    """What somebody wrote. `fault` is the key of the words that tell what is wrong; empty where nothing is."""

    text: str = ""
    address: ParsedAddress | None = None
    name: str = ""
    language: str = ""
    lists: tuple[str, ...] = ()
    fault: str = ""
    is_trapped: bool = False


def public_lists(publication: Publication) -> tuple[PublicList, ...]:
    """The lists that anybody may join; none where the publication has no form."""
    subscribing = publication.subscribing
    if subscribing is None:
        return ()
    one = len(publication.lists) == 1
    own = (PublicList(name=name, title=publication.title if one else name) for name in publication.lists)
    return subscribing.lists or tuple(own)


def open_form(publication: Publication, preferred: str, wanted: str = "") -> Form | None:
    """The form for a reader who prefers languages as `preferred` says (Accept-Language, RFC 9110 §12.5.4).

    `wanted` is a language they chose themselves. None where the publication can't be subscribed to.
    """
    lists = public_lists(publication)
    if publication.subscribing is None or not lists:
        return None
    languages = publication.subscribing.languages
    language = choose_language(publication.language, languages, preferred, wanted)
    wording = publication.subscribing.consent or page_words(language)["consent"].format(title=publication.title)
    return Form(publication, language, lists, languages if len(languages) > 1 else (), wording)


def choose_language(own: str, languages: Sequence[str], preferred: str, wanted: str = "") -> str:
    """The one of `languages` that a reader gets; `own` where none of them is preferred."""
    if wanted in languages:
        return wanted
    by_primary = {primary(tag): tag for tag in reversed(languages)}
    for tag in _preferences(preferred):
        if tag in languages:
            return tag
        if primary(tag) in by_primary:
            return by_primary[primary(tag)]
    return own


def _preferences(header: str) -> Iterator[str]:
    """The tags of an Accept-Language header, the most preferred first."""
    weighed = []
    for part in header[:500].split(","):
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    return (tag for weight, tag in sorted(weighed, key=lambda each: each[0]) if weight < 0 and tag)


def read_filled(form: Form, fields: Mapping[str, list[str]]) -> Filled:
    """What the fields of a request say."""
    given = dict(fields)
    text = first(given, "email")
    known = [one.name for one in form.lists]
    lists = [name for name in given.get("list", []) if name in known] if len(known) > 1 else known
    filled = Filled(
        text=text[:300],
        name=" ".join(_UNFIT.sub(" ", first(given, "name")).split())[:_LONGEST_NAME],
        language=first(given, "language") if first(given, "language") in form.languages else "",
        lists=tuple(dict.fromkeys(lists)),
        is_trapped=bool(first(given, TRAP)),
    )
    try:
        filled = replace(filled, address=parse_address(text))
    except AddressError:
        return replace(filled, fault="address_wrong")
    return filled if filled.lists else replace(filled, fault="lists_missing")


def make_stamp(keys: LinkKeys, publication: str, now: dt.datetime) -> str:
    """What a form says of when it was shown, signed: no cookie is needed."""
    return keys.make_token(_STAMP, f"{publication}~{int(now.timestamp())}")


def is_stamped(keys: LinkKeys, publication: str, stamp: str, now: dt.datetime) -> bool:
    """Whether the form was shown by us, neither a moment nor days ago.

    A form on somebody else's page has no stamp. What it sends is shown in ours, with one more button to press: so no
    page can have its visitors ask for mail to others behind their backs.
    """
    said = keys.read_token(_STAMP, stamp) or ""
    name, _, seconds = said.rpartition("~")
    if name != publication or not seconds.isdecimal():
        return False
    age = now - dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    return QUICKEST <= age <= LATEST


def mask_address(address: str) -> str:
    """Enough of an address for its owner to know it: `a…@example.com`. A link may be passed on."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
