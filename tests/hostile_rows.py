"""200 rows of CSV that somebody means harm by, or that a careless hand made, and the fate that each must have.

Each is one row under the heading `email,name,note,tags`. Some people are in the store before: who left, is suppressed,
was forgotten, or is a member.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADING = "email,name,note,tags"
LEFT, SUPPRESSED, FORGOTTEN = "left@example.com", "barred@example.com", "forgotten@example.com"
MEMBER, CHANGED = "member@example.com", "changed@example.com"


@dataclass(frozen=True)
class HostileRow:
    """A row's text, and its fate: `added`, `rejected`, `doubled`, or what the store knew before; a reason in part.

    `name` and `note` are what is stored of those who are taken.
    """

    text: str
    fate: str
    reason: str = ""
    name: str = ""
    note: str = ""


def added(address: str, name: str = "", note: str = "", tags: str = "") -> HostileRow:
    """A row that is taken as it is: what it says is nothing but text."""
    return HostileRow(",".join(map(_quote, (address, name, note, tags))), "added", name=name, note=note)


def rejected(text: str, reason: str) -> HostileRow:
    """A row that is not taken."""
    return HostileRow(text, "rejected", reason)


def _quote(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(letter in value for letter in ',"\r\n') else value


_CONTROL = "a line break or control character can't stand in a name"
_UNCLOSED = "a quotation mark stands inside a quoted cell"

# What a spreadsheet would run, a page would show as script, or a template would fill in. All of it is only text.
_TEXTS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("https://evil.example","x")', "＝1+1", "＋1"),
    *("=IMPORTXML(CONCAT(A1),1)", "%0A=1", "|calc", "\\=1"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "</title><script>"),
    *("javascript:alert(1)", "&lt;script&gt;", "<!--", "-->", "]]>", "<?php echo 1 ?>", "<b>Ann</b>", "Ann</a>"),
    *("{{7*7}}", "{{ config }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% raw %}", "{0.__class__}", "%(name)s", "%s%n"),
    *("@@token@@", "@@name@@", "@@unsubscribe_url@@", "::: when list", "[x](javascript:alert(1))", "![x](file:///)"),
    *("'; DROP TABLE subscribers; --", '" OR ""="', "1; SELECT pg_sleep(9)", "%' --", "\\'; --", "\\"),
    *("../../etc/passwd", "C:\\Windows", "file:///etc/passwd", "$(id)", "`id`", "; id", "| id", "&& id", "%00"),
    *(
        "=?utf-8?q?Bcc=3A?=",
        "Bcc: all@example.com",
        "a@example.com, b@example.com",
        "Ann <x@example.com>",
        "\\r\\nBcc: x",
    ),
    *("<style>*{display:none}</style>", "<a href='https://evil.example'>", "{{constructor.constructor('x')()}}"),
    *("<math><mi//xlink:href='data:x'>", "%3Cscript%3E", "\\u003cscript\\u003e", "{{{x}}}"),
    *("=DDE('cmd';'/C calc')", "=WEBSERVICE(A1)", "+SUM(1,1)", "-2+3", "@A1", "=A1&B1", "%{7*7}", "*{7*7}", "[[7*7]]"),
    *("SELECT 1", "/* x */", "#", "@@version", "UNION ALL SELECT", ";--", '"; --', "LOAD_FILE(0x61)", "xp_cmdshell"),
    *("\U0001f1e8\U0001f1f3", "ß", "ſ", "Ω"),
    *("null", "None", "NaN", "undefined", "true", "0", "1e999", "-", ".", "[]", "{}", '{"a": 1}'),
    *(
        "Zo\u0308e",
        "Zoë",
        "ﬁ",
        "Ａｎｎ",
        "А\u043dna",
        "李伟",
        "\U0001f469\u200d\U0001f4bb",
        "e\u0301" * 50,
        "\u200fأحمد",
        "I\u0307",
    ),
)
_OF_TEXTS = tuple(
    added(f"text{n}@example.com", *((text, "") if n % 2 else ("x", text))) for n, text in enumerate(_TEXTS)
)

_BAD_ADDRESSES = (
    ("@", "before the @-sign"),
    ("@example.com", ""),
    ("ann@", ""),
    ("ann", ""),
    ("ann@@example.com", ""),
    ("ann@bo@example.com", ""),
    ("ann@example", "period"),
    ("ann@.example.com", ""),
    ("ann@example..com", ""),
    ("ann@-bad.example.com", ""),
    ("ann@exa mple.com", ""),
    ("an n@example.com", ""),
    (".ann@example.com", ""),
    ("ann.@example.com", ""),
    ("an..n@example.com", ""),
    ("ann@[127.0.0.1]", ""),
    ("ann@127.0.0.1", ""),
    ("Ann <ann@example.com>", "give the address alone"),
    ("<ann@example.com>", "give the address alone"),
    ("ann@example.com>", "give the address alone"),
    ("mailto:ann@example.com ?cc=x", ""),
    ("ann@example.com; bo@example.com", ""),
    ("ann@example.com bo@example.com", ""),
    ("ann(comment)@example.com", ""),
    ("ann\\@example.com", ""),
    ("x" * 65 + "@example.com", ""),
    ("x@" + "y" * 64 + ".example.com", ""),
    ("x@" + "y." * 130 + "example.com", ""),
    ("x" * 100_000 + "@example.com", ""),
    ("a\u200bnn@example.com", ""),
    ("ann@exa\u200bmple.com", ""),
    ("\u202eann@example.com", ""),
    ("\ufeffann@example.com", ""),
    ("ann\u2028@example.com", ""),
    ("ann\u0000@example.com", "NUL"),
    ("ann\u001b[2J@example.com", ""),
    ("ann\u007f@example.com", ""),
    ("ann@exampl\u0435.com\u0301.", ""),
    ("ann@xn--a.example.com", ""),
    ("\U000e0041nn@example.com", ""),
)
_OF_ADDRESSES = tuple(rejected(f"{address},Ann,,", reason) for address, reason in _BAD_ADDRESSES)

_STRUCTURE = (
    rejected('"ann@example.com\r', "a line break or NUL can't stand in an address"),  # and what it leaves behind
    rejected('Bcc: all@example.com",Ann,,', ""),
    rejected('break1@example.com,"Ann\r', _CONTROL),
    rejected('Bcc: x",,', ""),
    rejected("esc@example.com,\x1b]0;owned\x07,,", _CONTROL),
    rejected("nul@example.com,A\x00nn,,", _CONTROL),
    rejected("bidi@example.com,\u202egnp.exe,,", _CONTROL),
    rejected("isolate@example.com,\u2067Ann,,", _CONTROL),
    rejected("bom@example.com,A\ufeffnn,,", _CONTROL),
    rejected("line@example.com,A\u2028nn,,", _CONTROL),
    rejected("next@example.com,A\x85nn,,", _CONTROL),
    rejected("note1@example.com,Ann,\x1b[31m,", "a control character can't stand in 'note'"),
    rejected("note2@example.com,Ann,\u202etxt,", "a control character can't stand in 'note'"),
    rejected(f"long1@example.com,{'x' * 201},,", "a name has at most 200 characters"),
    rejected(f"long2@example.com,Ann,{'x' * 100_000},", "'note' has more than 10,000 characters"),
    rejected(f"long3@example.com,Ann,{'x' * 140_000},", "a cell is longer than"),
    rejected(f"tag1@example.com,Ann,,{'x' * 101}", "can't be a tag"),
    rejected("tag2@example.com,Ann,,a\x00b", "can't be a tag"),
    rejected('torn1@example.com,"Ann" Lee,,', _UNCLOSED),
    rejected('torn2@example.com,"Ann""" x,,', _UNCLOSED),
    rejected("wide@example.com,Ann,,,more", "5 cells under 4 headings"),
    rejected(",Ann,,", "no address"),
    rejected("   ,Ann,,", "no address"),
    rejected("'',Ann,,", ""),
    HostileRow("short@example.com", "added"),
    HostileRow("trail@example.com,Ann,,,,,", "added", name="Ann"),
    HostileRow('  spaced@example.com  ,"  Ann  ",,', "added", name="Ann"),
    HostileRow('"quoted@example.com","A ""B"" C","two\nlines",', "added", name='A "B" C', note="two\nlines"),
    HostileRow("'=guarded@example.com,'=1,,", "added", name="=1"),
    HostileRow("guarded2@example.com,''=1,,", "added", name="'=1"),
    HostileRow("guarded3@example.com,'Ann,'+1,", "added", name="'Ann", note="+1"),
    HostileRow("guarded4@example.com,' OR '1'='1,,", "added", name=" OR '1'='1"),  # a guard, by its space
    HostileRow(";;;,a,b,c", "rejected"),
    added("o'neill+x@example.com", "O'Neill"),
    added("!#$%&*/?^_`{|}~@example.com", "all of RFC 5322"),
    added("x" * 64 + "@example.com", "the longest there is"),
    added("李@例子.example.com", "SMTPUTF8"),
    HostileRow("李@xn--fsqu00a.example.com,Punycode of the same,,", "doubled", "the same address as in line"),
    HostileRow("李@例子。EXAMPLE.com,,,", "doubled", "the same address as in line"),
    added("\u0430nn@example.com", "Cyrillic: another mailbox"),
    added("zoe\u0308@example.com", "decomposed"),
    HostileRow("zoë@example.com,composed,,", "doubled", "the same address as in line"),
    HostileRow("SHORT@EXAMPLE.COM,Another name,,", "doubled", "the same address as in line"),
    HostileRow("short@example.com,<b>,,", "doubled", "the same address as in line"),
    HostileRow(f"{LEFT},Come back,,vip", "left"),
    HostileRow(f"{LEFT.upper()},Come back,,", "doubled", "the same address as in line"),
    HostileRow(f"{SUPPRESSED.title()},Mail me,,vip", "suppressed"),
    HostileRow(f"{FORGOTTEN.upper()},I was here,,vip", "forgotten"),
    HostileRow(f"{MEMBER},Mem Ber,,", "unchanged"),
    HostileRow(f"{CHANGED},{{{{7*7}}}},,", "updated", name="{{7*7}}"),
)

HOSTILE_ROWS = (*_OF_TEXTS, *_OF_ADDRESSES, *_STRUCTURE)


def hostile_file() -> tuple[str, list[tuple[int, HostileRow]]]:
    """The file, and each row with the number of its first line."""
    lines, number = [HEADING], 2
    placed = []
    for row in HOSTILE_ROWS:
        placed.append((number, row))
        lines.append(row.text)
        number += row.text.count("\n") + 1
    return "\n".join(lines) + "\n", placed
