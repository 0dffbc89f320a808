"""Explains what servers' replies mean, by their enhanced code (RFC 3463), and what an operator does about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class _Meaning(NamedTuple):
    """What a code says, and what to do; both begin small and end without a stop."""

    says: str
    do: str


def explain(enhanced: str | None, code: int | None) -> str:
    """What a reply means in plain words, and what is to be done, as two or three sentences.

    `enhanced` is the reply's enhanced code, `5.1.1` say, `code` its three digits; either may be missing. A code that
    no registry has is explained by its subject, else by the three digits.
    """
    meaning = _meaning_of(enhanced, code)
    said = _sentence(meaning.says)
    if _is_temporary(enhanced, code):
        return f"{said} It is tried again by itself; if it lasts, {meaning.do}."
    return f"{said} {_sentence(meaning.do)}"


def _is_temporary(enhanced: str | None, code: int | None) -> bool:
    return enhanced[0] == "4" if enhanced else code is not None and 400 <= code < 500


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _meaning_of(enhanced: str | None, code: int | None) -> _Meaning:
    if code is not None and 200 <= code < 300:
        return _TAKEN
    if enhanced is not None:
        subject, _, detail = enhanced[2:].partition(".")
        if known := _DETAILS.get(f"{subject}.{detail}"):
            return known
        if subject in _SUBJECTS and subject != "0":
            return _SUBJECTS[subject]
    if code is None:
        return _NO_ANSWER
    return _CODES.get(code, _SUBJECTS["0"])


_REMOVE = "remove the address, or ask the reader for the right one"
_MEND_ADDRESS = "correct the address, or remove it"
_MEND_DOMAIN = "look for a slip in the address's domain; if there is none, ask the reader for another address"
_MEND_SENDER = "check the sender and return_path in publication.yaml, and that their domain is in DNS"
_WAIT = "look at the reply's text, and ask that system's postmaster"
_ASK_RELAY = "ask whoever runs the relay"
_REPORT = "report it with the reply's text: the relay and pressrun don't understand each other"
_SMALLER = "make the issue smaller: fewer attachments and pictures"
_REPUTATION = (
    "stop sending to them, look up the sending address on blocking lists, check SPF, DKIM and DMARC, then ask their"
    " postmaster"
)
_LOGIN = "check the name and password in PRESSRUN_SMTP_URL"
_SIGN = "check the DKIM keys and their DNS records: pressrun dkim check, docs/signing.md"
_TLS = "let the relay's URL ask for TLS (smtps:// or ?starttls=always), or ask whoever runs the relay"

_TAKEN = _Meaning("the server took the message", "there is nothing to do")
_NO_ANSWER = _Meaning(
    "no server said anything: the connection broke or nobody answered in time",
    "look at the relay's log; rows in doubt are settled with pressrun resolve",
)

# RFC 3463 §2: the second number, the subject, alone.
_SUBJECTS: Mapping[str, _Meaning] = {
    "0": _Meaning("the server gave no reason that its code tells", "read the reply's text"),
    "1": _Meaning("something is wrong with an address", _MEND_ADDRESS),
    "2": _Meaning("something is wrong with the mailbox", _REMOVE),
    "3": _Meaning("something is wrong with the recipient's mail system", _WAIT),
    "4": _Meaning("something is wrong with the network or the way there", _ASK_RELAY),
    "5": _Meaning("the servers did not understand each other", _REPORT),
    "6": _Meaning("the message's kind of content is not taken", "ask that system's postmaster what they take"),
    "7": _Meaning("the server would not have the message, for policy or security", _REPUTATION),
}

# The registry at https://www.iana.org/assignments/smtp-enhanced-status-codes, without the class.
_DETAILS: Mapping[str, _Meaning] = {
    "1.0": _Meaning("something is wrong with the address", _MEND_ADDRESS),
    "1.1": _Meaning("there is no such mailbox", _REMOVE),
    "1.2": _Meaning("the address's domain does not exist or takes no mail", _MEND_ADDRESS),
    "1.3": _Meaning("the address is not written as addresses are", _MEND_ADDRESS),
    "1.4": _Meaning("the address may mean more than one mailbox", "ask the reader for an address of their own"),
    "1.5": _Meaning("the address is valid", "there is nothing to do"),
    "1.6": _Meaning("the mailbox has moved, and nobody said where to", _REMOVE),
    "1.7": _Meaning("the sender's address is not written as addresses are", _MEND_SENDER),
    "1.8": _Meaning("the sender's domain does not exist or takes no mail", _MEND_SENDER),
    "1.9": _Meaning("the message went on to a system that gives no reports", "there is nothing to do"),
    "1.10": _Meaning("the domain says that it takes no mail at all (null MX)", _REMOVE),
    "2.0": _Meaning("something is wrong with the mailbox", _REMOVE),
    "2.1": _Meaning("the mailbox is switched off", _REMOVE),
    "2.2": _Meaning("the mailbox is full", "take it for abandoned and remove the address"),
    "2.3": _Meaning("the message is larger than this mailbox takes", _SMALLER),
    "2.4": _Meaning("the address is a mailing list that does not work", "write to the list's owner, or remove it"),
    "3.0": _Meaning("something is wrong with the recipient's mail system", _WAIT),
    "3.1": _Meaning("the recipient's mail system has no room left", _WAIT),
    "3.2": _Meaning("the recipient's mail system takes no mail at the moment", _WAIT),
    "3.3": _Meaning("the recipient's mail system lacks something that the message needs", _WAIT),
    "3.4": _Meaning("the message is larger than that system takes", _SMALLER),
    "3.5": _Meaning("the mail system is set up wrongly", "tell its postmaster; if it is the relay, whoever runs it"),
    "3.6": _Meaning("the message's priority was changed", "there is nothing to do"),
    "4.0": _Meaning("something is wrong with the network or the way there", _ASK_RELAY),
    "4.1": _Meaning("the recipient's server does not answer", _MEND_DOMAIN),
    "4.2": _Meaning("the connection to the recipient's server broke", _ASK_RELAY),
    "4.3": _Meaning("a directory or DNS server could not be asked", "check the relay's DNS"),
    "4.4": _Meaning("no way leads to the recipient's domain", _MEND_DOMAIN),
    "4.5": _Meaning("the mail system has too much to do", "send with fewer connections or at a lower rate"),
    "4.6": _Meaning("the message went round in circles", "tell the recipient's postmaster: their forwarding is wrong"),
    "4.7": _Meaning("the message was too long on its way", _ASK_RELAY),
    "5.0": _Meaning("the servers did not understand each other", _REPORT),
    "5.1": _Meaning("the server does not know the command, or not at this point", _REPORT),
    "5.2": _Meaning("the server could not read the command", _REPORT),
    "5.3": _Meaning("the message had too many recipients for that server", _ASK_RELAY),
    "5.4": _Meaning("the command's arguments were not valid", _REPORT),
    "5.5": _Meaning("the servers speak different versions of the protocol", _REPORT),
    "5.6": _Meaning("the login was too long for the server", _LOGIN),
    "6.0": _Meaning("the message's kind of content is not taken", _WAIT),
    "6.1": _Meaning("the message's kind of content is not taken", "leave out the attachments and try again"),
    "6.2": _Meaning("the message would have to be converted, which is not allowed", _ASK_RELAY),
    "6.3": _Meaning(
        "the message would have to be converted, and can't be", "set eight_bit to false in publication.yaml"
    ),
    "6.4": _Meaning("the message was converted and lost something by it", "set eight_bit to false in publication.yaml"),
    "6.5": _Meaning("converting the message failed", "set eight_bit to false in publication.yaml"),
    "6.6": _Meaning("the message's content could not be fetched", _ASK_RELAY),
    "6.7": _Meaning(
        "the address is not ASCII, and a server on the way takes no such addresses (SMTPUTF8)",
        "use a relay that offers SMTPUTF8, or ask the reader for another address",
    ),
    "6.8": _Meaning("the server would have to answer in UTF-8, and may not", _ASK_RELAY),
    "6.9": _Meaning("the message has headers in UTF-8, which the recipient's system does not take", _ASK_RELAY),
    "6.10": _Meaning("the server would have to answer in UTF-8, and may not", _ASK_RELAY),
    "7.0": _Meaning("the server would not have the message, for policy or security", _REPUTATION),
    "7.1": _Meaning("the server does not let us send to this recipient: blocked, or by its policy", _REPUTATION),
    "7.2": _Meaning("the sender may not write to that mailing list", "ask the list's owner, or remove it"),
    "7.3": _Meaning("the message would have to be secured in a way that can't be", _TLS),
    "7.4": _Meaning("the server lacks a security feature that the message needs", _TLS),
    "7.5": _Meaning("the message could not be decrypted or checked on its way", _SIGN),
    "7.6": _Meaning("the message's cryptographic algorithm is not supported", _SIGN),
    "7.7": _Meaning("the message was changed on its way", _SIGN),
    "7.8": _Meaning("the login was refused", _LOGIN),
    "7.9": _Meaning("the way of logging in is too weak for the server", _TLS),
    "7.10": _Meaning("the server takes mail only over TLS", _TLS),
    "7.11": _Meaning("the server takes this login only over TLS", _TLS),
    "7.12": _Meaning("the password has to be changed first", _LOGIN),
    "7.13": _Meaning("the account is disabled", "ask whoever runs the relay whether our login is meant"),
    "7.14": _Meaning("the servers don't trust each other", _ASK_RELAY),
    "7.15": _Meaning("the message's priority is too low for the server now", "send it later"),
    "7.16": _Meaning("the message is too large for its priority", _SMALLER),
    "7.17": _Meaning("the mailbox belongs to another person now", "remove the address"),
    "7.18": _Meaning("the domain belongs to somebody else now", "remove the address"),
    "7.19": _Meaning("whether the mailbox changed hands can't be found out", "remove the address, or ask the reader"),
    "7.20": _Meaning("no DKIM signature of the message is valid", _SIGN),
    "7.21": _Meaning("the message has DKIM signatures, and the server takes none of them", _SIGN),
    "7.22": _Meaning("no valid DKIM signature is the author's own domain's", _SIGN),
    "7.23": _Meaning("SPF does not let this relay send for our domain", "put the relay into the domain's SPF record"),
    "7.24": _Meaning("our domain's SPF record could not be read", "check the domain's SPF record"),
    "7.25": _Meaning("the relay's address has no proper name in DNS", "have the relay's reverse DNS record set"),
    "7.26": _Meaning("SPF, DKIM and what else was checked failed together", "check SPF, DKIM and DMARC of the sender"),
    "7.27": _Meaning("the sender's domain says that it takes no mail (null MX)", _MEND_SENDER),
    "7.28": _Meaning("too much mail came from us at once", "give the relay a rate: docs/relays.md"),
    "7.29": _Meaning("the message's chain of seals (ARC) is broken", _ASK_RELAY),
    "7.30": _Meaning("a server on the way can't promise TLS, which the message asked for", _TLS),
}

# RFC 5321 §4.2.3, RFC 4954 §6, RFC 7504: for replies without an enhanced code that tells.
_CODES: Mapping[int, _Meaning] = {
    421: _Meaning("the server closes the connection, often because there are too many", "use fewer connections"),
    450: _Meaning("the mailbox can't be used just now, often to see whether we come again (greylisting)", _WAIT),
    451: _Meaning("the server failed while it worked on the message", _WAIT),
    452: _Meaning("the server has no room left", _WAIT),
    454: _Meaning("the login could not be checked just now", _LOGIN),
    455: _Meaning("the server can't take these parameters just now", _REPORT),
    500: _Meaning("the server could not read the command", _REPORT),
    501: _Meaning("the server could not read the address or another argument", _MEND_ADDRESS),
    502: _Meaning("the server does not do this command", _REPORT),
    503: _Meaning("the server did not expect this command now", _REPORT),
    504: _Meaning("the server does not do this with the command", _REPORT),
    521: _Meaning("that server takes no mail", _REMOVE),
    530: _Meaning("the server wants a login or TLS first", _LOGIN),
    534: _Meaning("the way of logging in is too weak for the server", _TLS),
    535: _Meaning("the login was refused", _LOGIN),
    538: _Meaning("the server takes this login only over TLS", _TLS),
    550: _Meaning("there is no such mailbox, or the server would not have the message", f"read the text: {_REMOVE}"),
    551: _Meaning("the recipient is not at that server", _REMOVE),
    552: _Meaning("the mailbox is full, or the message too large for it", "remove the address if it happens again"),
    553: _Meaning("the server does not allow that address", _MEND_ADDRESS),
    554: _Meaning("the server would not have the message, and gave no code why", "read the reply's text"),
    555: _Meaning("the server does not know these parameters", _REPORT),
    556: _Meaning("the domain says that it takes no mail at all (null MX)", _REMOVE),
}
