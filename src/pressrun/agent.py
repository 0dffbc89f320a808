"""Who asks for a counted link: a reader, as far as nothing speaks against it, or a program that was not told to."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum

SOONEST = dt.timedelta(seconds=5)
"""Nobody has read a mail and found a link in it so soon after it left; gateways that look at links have."""

MANY = 5
"""So many different links of one issue, asked for from one network within seconds, are not a reader's."""


class Agent(StrEnum):
    """Who asked. The values stand in the store: they never change."""

    READER = "reader"
    SCANNER = "scanner"
    PREFETCH = "prefetch"
    UNKNOWN = "unknown"


# Programs that fetch ahead of readers, or for all of them at once: that a picture was asked for tells of nobody.
_PREFETCHERS = re.compile(
    r"GoogleImageProxy|via ggpht\.com|YahooMailProxy|YahooCacheSystem|BingPreview|Mozilla/5\.0$", re.IGNORECASE
)
# Apple's Mail Privacy Protection calls itself `Mozilla/5.0` and no more; nobody who reads does.

# Gateways that look at what a link leads to, programs that draw previews of it in chats, and searchers.
_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|symantec|messagelabs|ironport|fireeye|trellix|forcepoint|fortinet|zscaler|sophos"
    r"|trend ?micro|mcafee|avira|kaspersky|cloudmark|vade|hornetsecurity|safelinks|office existence discovery"
    r"|ms-office|skypeuripreview|slackbot|slack-imgproxy|facebookexternalhit|twitterbot|linkedinbot|whatsapp"
    r"|telegrambot|discordbot|applebot|headlesschrome|phantomjs|python|curl|wget|libwww|go-http-client|java/|axios"
    r"|node-fetch|okhttp|scrapy|bot\b|crawl|spider|scan|preview|monitor|validator|checker",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)


def recognise(method: str, headers: Mapping[str, str]) -> Agent:
    """Who asks, by what the request says of itself; `headers` have names in lower case."""
    ahead = (headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    called = headers.get("user-agent", "").strip()
    if any(map(_AHEAD.search, ahead)) or _PREFETCHERS.search(called):
        return Agent.PREFETCH
    if method != "GET" or _SCANNERS.search(called):
        return Agent.SCANNER
    return Agent.READER if called else Agent.UNKNOWN


def find_scanners(asked: Sequence[tuple[str, str, int]]) -> frozenset[tuple[str, str]]:
    """Which networks asked for too many different links of an issue: (network, issue, link) of some seconds."""
    different: dict[tuple[str, str], set[int]] = defaultdict(set)
    for network, issue, link in asked:
        different[network, issue].add(link)
    return frozenset(one for one, found in different.items() if len(found) >= MANY)
