"""What a file is that goes with the mail, and whether mail servers let it through."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

WARN_OCTETS = 1024 * 1024
LIMIT_OCTETS = 10 * 1024 * 1024

# What Gmail and Outlook refuse, because it runs or may run when opened.
REFUSED = frozenset(
    "ade adp apk app appx appxbundle bas bat cab chm cmd com cpl crt csh diagcab diagcfg diagpkg dll dmg ex ex_ exe "
    "fxp gadget hlp hta img inf ins iso isp its jar jnlp js jse ksh lib lnk mad maf mag mam maq mar mas mat mau mav "
    "maw mda mdb mde mdt mdw mdz mjs msc msh msi msix msixbundle msp mst nsh ops osd pcd pif plg prf prg ps1 ps1xml "
    "ps2 pst reg scf scr sct shb shs sys tmp url vb vbe vbs vhd vhdx vsmacros vsw vxd wsc wsf wsh xbap xll xnk".split()
)
# Python's own list knows these from some version on only; without files of the system it is the same everywhere.
_TYPES = mimetypes.MimeTypes()
for _suffix, _type in {
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".ics": "text/calendar",
    ".md": "text/markdown",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}.items():
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True)
class AttachedFile:
    """A file that goes with the mail: what readers save it as, its MIME type and its size in bytes."""

    file: Path
    name: str
    media_type: str
    octets: int


def is_refused(name: str) -> bool:
    """Whether mail servers refuse a file called `name`."""
    return PurePosixPath(name.strip().rstrip(".")).suffix.lower().removeprefix(".") in REFUSED


def media_type_of(name: str) -> str:
    """The MIME type of a file called `name`; a compressed one is only data, whatever is in it."""
    kind, encoding = _TYPES.guess_type(name)
    return "application/octet-stream" if encoding or not kind else kind
