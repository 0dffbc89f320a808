"""The rule on domains that are all but the same: one of them is likely misspelt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pressrun.check.address import is_address
from pressrun.check.host import decode_host, host_of, registered_domain
from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity
from pressrun.source.yamlfile import Place, each_text

_SHORTEST = 5  # shorter names differ by a letter because they are short: unep.org and undp.org
_MAIL_KEYS = frozenset({"mail", "address", "reply_to", "unsubscribe_mail", "return_path"})


@dataclass(frozen=True)
class _Use:
    """A domain where it is used."""

    domain: str
    host: str
    file_number: int
    place: Place
    is_mail: bool


@rule("domain-mismatch", Severity.WARNING, "No domain is one typing error away from another of the issue's.")
def find_near_domains(manuscript: Manuscript) -> Iterator[Fault]:
    """The rarer of two domains that differ by a letter; of two as rare, the link's rather than the mail's."""
    uses = list(_uses_in(manuscript))
    counts = Counter(use.domain for use in uses)
    kinds = {use.domain for use in uses if not use.is_mail}
    for use in _first_of_each(uses):
        near = [other for other in counts if is_one_slip_away(use.domain, other)]
        others = [other for other in near if _rank(other, counts, kinds) > _rank(use.domain, counts, kinds)]
        if others:
            yield _tell(manuscript, use, next(one for one in uses if one.domain == others[0]))


def _rank(domain: str, counts: Counter[str], linked: set[str]) -> tuple[int, bool, str]:
    """How sure a domain is to be meant: the more often, the surer; mail addresses are tried out sooner than links."""
    return counts[domain], domain not in linked, domain


def _tell(manuscript: Manuscript, use: _Use, other: _Use) -> Fault:
    what = f"{use.host} is all but {other.domain}"
    if other.is_mail and not use.is_mail:
        what = f"the web site is at {use.host}, but the mail at {other.host}"
    return Fault(manuscript.pages[use.file_number].file, use.place, what, "is one of them misspelt?")


def _first_of_each(uses: list[_Use]) -> list[_Use]:
    """Each domain's first use, a link before a mail address."""
    found: dict[str, _Use] = {}
    for use in sorted(uses, key=lambda use: use.is_mail):
        found.setdefault(use.domain, use)
    return list(found.values())


def _uses_in(manuscript: Manuscript) -> Iterator[_Use]:
    for n, page in enumerate(manuscript.pages):
        for link in page.links:
            if not is_address(link.url):
                continue
            place = Place(link.line, link.column)
            if link.url.startswith("mailto:"):
                yield _use_of(link.url.partition("?")[0].rpartition("@")[2], n, place, is_mail=True)
            elif host := host_of(link.url):
                yield _use_of(decode_host(host), n, place, is_mail=False)
        for at, value in each_text(page.head.data):
            if at[-1:] and at[-1] in _MAIL_KEYS and "@" in value:
                yield _use_of(value.rpartition("@")[2], n, page.head.place_of(at), is_mail=True)


def _use_of(host: str, number: int, place: Place, *, is_mail: bool) -> _Use:
    host = host.lower()
    return _Use(registered_domain(host), host, number, place, is_mail)


def is_one_slip_away(one: str, other: str) -> bool:
    """Whether two domains differ by one letter put in, left out, mistyped, or swapped with its neighbour."""
    shorter, longer = sorted((one, other), key=len)
    if one == other or len(shorter.partition(".")[0]) < _SHORTEST or len(longer) - len(shorter) > 1:
        return False
    start = next((n for n, letter in enumerate(shorter) if letter != longer[n]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    rest, other_rest = shorter[start:], longer[start:]
    return rest[1:] == other_rest[1:] or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:])
