"""What other programs' exports say of consent and departure: who is a member, since when, and what shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pressrun.store.subscriber import Facts, Standing
from pressrun.subscriber_file.format import FileFormat
from pressrun.subscriber_file.lines import RowError
from pressrun.subscriber_file.moment import read_moment, read_network

Judgement = tuple[Standing, Facts]

_TRUE = frozenset({"true", "yes", "1"})


def judge(format: FileFormat, file: str, record: Mapping[str, str]) -> Judgement:
    """What the columns of `record`, by their headings, and the path of the `file` say. Raises `RowError`."""
    return _JUDGES[format](file.rpartition("/")[2].casefold(), {key: value for key, value in record.items() if value})


def _judge_listmonk(file: str, record: Mapping[str, str]) -> Judgement:
    given_at = read_moment(record.get("created_at", ""))
    match record.get("status", "enabled").casefold():
        case "enabled":
            return Standing.MEMBER, Facts(given_at, proof=_proof("listmonk", record, "created_at"))
        case "disabled":
            return Standing.LEFT, Facts()
        case "blocklisted":
            return Standing.SUPPRESSED, Facts(reason="blocklisted in listmonk")
        case status:
            raise RowError(f"listmonk has no status {status!r}")


def _judge_mailchimp(file: str, record: Mapping[str, str]) -> Judgement:
    if file.startswith("nonsubscribed"):
        raise RowError("a contact that never subscribed in Mailchimp")
    if file.startswith("cleaned") or "clean_time" in record:
        return Standing.SUPPRESSED, Facts(reason="cleaned by Mailchimp, as mail to it bounced")
    if file.startswith("unsubscribed") or "unsub_time" in record:
        return Standing.LEFT, Facts(ended_at=read_moment(record.get("unsub_time", "")))
    times = ("confirm_time", "optin_time")
    networks = ("optin_ip", "confirm_ip")
    facts = Facts(
        given_at=next((at for key in times if (at := read_moment(record.get(key, "")))), None),
        network=next((found for key in networks if (found := read_network(record.get(key, "")))), None),
        proof=_proof("Mailchimp", record, *times, *networks),
    )
    return Standing.MEMBER, facts


def _judge_substack(file: str, record: Mapping[str, str]) -> Judgement:
    if record.get("email_disabled", "").casefold() in _TRUE:
        return Standing.LEFT, Facts()
    given_at = read_moment(record.get("created_at") or record.get("start date", ""))
    return Standing.MEMBER, Facts(given_at, proof=_proof("Substack", record, "created_at", "start date"))


def _judge_ghost(file: str, record: Mapping[str, str]) -> Judgement:
    if record.get("subscribed_to_emails", "").casefold() not in _TRUE or "deleted_at" in record:
        return Standing.LEFT, Facts(ended_at=read_moment(record.get("deleted_at", "")))
    given_at = read_moment(record.get("created_at", ""))
    return Standing.MEMBER, Facts(given_at, proof=_proof("Ghost", record, "created_at"))


def _proof(program: str, record: Mapping[str, str], *keys: str) -> dict[str, str]:
    return {"program": program, **{key: record[key] for key in keys if key in record}}


_JUDGES: Mapping[FileFormat, Callable[[str, Mapping[str, str]], Judgement]] = {
    FileFormat.LISTMONK: _judge_listmonk,
    FileFormat.MAILCHIMP: _judge_mailchimp,
    FileFormat.SUBSTACK: _judge_substack,
    FileFormat.GHOST: _judge_ghost,
}
