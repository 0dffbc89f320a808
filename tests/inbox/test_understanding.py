import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.inbox.letter import TEXT_LIMIT, read_letter
from pressrun.inbox.understanding import Gravity, LetterKind, Understood, judge_status, understand
from returned_letters import ABSENCE, CHINESE, POSTFIX, QMAIL, bounce, complaint, wish


def read(raw: bytes) -> Understood:
    return understand(read_letter(raw))


@pytest.mark.parametrize("form", [POSTFIX, QMAIL, CHINESE])
@pytest.mark.parametrize(
    ("status", "said", "gravity"),
    [
        ("5.1.1", "550 5.1.1 no such user", Gravity.HARD),
        ("5.1.10", "556 5.1.10 the domain takes no mail", Gravity.HARD),
        ("5.2.1", "550 5.2.1 this mailbox is switched off", Gravity.HARD),
        ("5.2.2", "552 5.2.2 the mailbox is full", Gravity.SOFT),
        ("4.4.7", "451 4.4.7 tried for too long", Gravity.SOFT),
        ("5.7.1", "554 5.7.1 blocked by policy", Gravity.BLOCK),
        ("5.7.26", "550 5.7.26 not authenticated", Gravity.BLOCK),
        ("5.1.8", "553 5.1.8 bad sender", Gravity.BLOCK),
    ],
)
def test_a_bounce_says_how_grave_it_is(form: str, status: str, said: str, gravity: Gravity) -> None:
    found = read(bounce(form, status=status, said=said))
    assert (found.kind, found.gravity, found.status) == (LetterKind.BOUNCE, gravity, status)


def test_what_the_server_said_knows_better_than_a_code_for_everything() -> None:
    found = read(bounce(POSTFIX, status="5.0.0", said="550 5.7.1 we do not like you"))
    assert (found.status, found.gravity) == ("5.7.1", Gravity.BLOCK)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_notice_that_nothing_is_lost_yet_says_nothing_about_the_address(action: str) -> None:
    assert read(bounce(POSTFIX, action=action)).gravity is Gravity.NONE


def test_a_report_without_a_code_is_soft() -> None:
    assert read(bounce(POSTFIX, status="", said="go away")).gravity is Gravity.SOFT


def test_an_absence_note_is_nothing_else_whatever_stands_in_it() -> None:
    assert read(bounce(ABSENCE)) == Understood(LetterKind.AUTOMATIC)


def test_a_complaint_is_one_and_its_contrary_is_not() -> None:
    assert read(complaint("Subject: x")).kind is LetterKind.COMPLAINT
    assert read(complaint("Subject: x", "not-spam")).kind is LetterKind.AUTOMATIC


@pytest.mark.parametrize(
    "subject",
    [
        "leave 7~c3Bw~abc",
        "Unsubscribe",
        "Re: leave 7~c3Bw",
        "退订",
        "Re: 请退订",
        "please remove me from this list",
        "Leave.",
    ],
)
def test_a_wish_to_leave_is_known_by_its_subject(subject: str) -> None:
    assert read(wish(subject)).kind is LetterKind.LEAVE


@pytest.mark.parametrize(
    "subject",
    ["About your article", "Re: Leave no one behind: what we can do", "How we remove plastics", "On parental leave"],
)
def test_what_somebody_wrote_to_somebody_is_left_to_them(subject: str) -> None:
    assert read(wish(subject)).kind is LetterKind.OTHER


def test_a_mail_program_that_asks_to_leave_by_itself_is_no_absence_note() -> None:
    raw = b"Auto-Submitted: auto-generated\n" + wish("leave 7~c3Bw~abcd~0123456789012345678901")
    assert read(raw).kind is LetterKind.LEAVE


def test_what_a_server_said_is_kept_on_one_line_without_control_characters() -> None:
    found = read(bounce(POSTFIX, said="550 5.1.1 \x1b[31m<script>alert(1)</script>\x07"))
    assert "\x1b" not in found.text and "\n" not in found.text
    assert len(found.text) <= 1_000


@pytest.mark.parametrize(
    ("status", "gravity"),
    [("2.1.5", Gravity.NONE), ("4.1.1", Gravity.SOFT), ("5.5.0", Gravity.BLOCK), ("5.9.9", Gravity.SOFT)],
)
def test_a_code_is_judged_by_what_it_is_about(status: str, gravity: Gravity) -> None:
    assert judge_status(status) is gravity


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_without_an_error(raw: bytes) -> None:
    read(raw)
    read(bounce(POSTFIX) + raw)


@given(st.text(max_size=60), st.text(max_size=60))
def test_headers_of_any_text_are_read_on_one_line(name: str, value: str) -> None:
    letter = read_letter(f"{name}: {value}\r\nSubject: {value}\r\n\r\n{value}".encode("utf-8", "surrogatepass"))
    assert all("\n" not in header for header in letter.headers.values())


def test_parts_in_parts_in_parts_are_followed_only_so_far() -> None:
    nested = "Content-Type: text/plain\n\nend\n"
    for depth in range(500):
        nested = f'Content-Type: multipart/mixed; boundary="b{depth}"\n\n--b{depth}\n{nested}\n--b{depth}--\n'
    assert read(nested.encode()).kind is LetterKind.OTHER


def test_a_part_is_read_only_so_far() -> None:
    letter = read_letter(b"Subject: x\r\n\r\n" + b"x" * (10 * TEXT_LIMIT))
    assert len(letter.parts[0].text) == TEXT_LIMIT


def test_a_charset_nobody_knows_is_read_as_utf_8() -> None:
    letter = read_letter("Content-Type: text/plain; charset=klingon-8\n\n退订".encode())
    assert letter.words == "退订"
