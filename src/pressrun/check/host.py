"""Host names in addresses: read, decoded, and cut down to the domain that somebody registered."""

from __future__ import annotations

from urllib.parse import urlsplit

import idna

# Second levels under which names are registered; enough of the public suffix list to tell neighbours from strangers.
_SECOND_LEVELS = frozenset("ac co com edu go gob gov gouv mil ne net nic or org sch".split())


def host_of(url: str) -> str | None:
    """The host `url` names, if any; None where it can't be read at all (`http://[`)."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return None


def decode_host(host: str) -> str:
    """`host` as people read it: `xn--…` as the letters it stands for."""
    return ".".join(_decode_label(label) for label in host.split("."))


def _decode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


def registered_domain(host: str) -> str:
    """The part of `host` that somebody registered: `example.org` of `www.example.org`, `a.gov.cn` of `b.a.gov.cn`."""
    labels = host.split(".")
    has_country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if has_country else labels[-2:])
