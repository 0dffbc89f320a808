"""Letters as servers and people write them, all of our own making; {return_path} and {headers} are filled in."""

from __future__ import annotations

from email.message import EmailMessage

POSTFIX = """\
Return-Path: <>
Delivered-To: {return_path}
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
To: {return_path}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
X-Postfix-Queue-ID: 4XyZ
Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000 (UTC)

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.net
Diagnostic-Code: smtp; {said}

--b1
Content-Type: text/rfc822-headers

{headers}

--b1--
"""

QMAIL = """\
Return-Path: <>
Delivered-To: {return_path}
From: MAILER-DAEMON@qmail.example.com
To: {return_path}
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.

<{address}>:
{said}
"""

CHINESE = """\
Return-Path: <>
Delivered-To: {return_path}
From: PostMaster@mail.example.com
To: {return_path}
Subject: =?utf-8?B?6YCA5L+h6YCa55+l?=
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

很抱歉,您的邮件未能送达 {address}。
远程服务器返回:{said}
"""

COMPLAINT = """\
Return-Path: <fbl@provider.example.net>
From: <fbl@provider.example.net>
To: abuse@example.com
Subject: FW: an issue
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b2"

--b2
Content-Type: text/plain

This is an email abuse report.
--b2
Content-Type: message/feedback-report

Feedback-Type: {feedback}
User-Agent: SomeGenerator/1.0
Version: 1

--b2
Content-Type: message/rfc822

{headers}

The message itself.
--b2--
"""

ABSENCE = """\
Return-Path: <ann@example.com>
Delivered-To: {return_path}
From: Ann <ann@example.com>
To: {return_path}
Subject: Out of office: unsubscribe me never
Auto-Submitted: auto-replied

I am away until Monday. 5.1.1 is my favourite number.
"""


def bounce(
    form: str,
    *,
    return_path: str = "bounces@example.com",
    address: str = "ann@example.com",
    status: str = "5.1.1",
    said: str = "550 5.1.1 nobody here",
    action: str = "failed",
    headers: str = "Subject: an issue",
) -> bytes:
    """The letter `form`, filled in."""
    return form.format(
        return_path=return_path, address=address, status=status, said=said, action=action, headers=headers
    ).encode()


def complaint(headers: str, feedback: str = "abuse") -> bytes:
    """A complaint that encloses a message with these headers."""
    return COMPLAINT.format(headers=headers, feedback=feedback).encode()


def wish(subject: str, to: str = "leave@example.com", text: str = "") -> bytes:
    """A mail that somebody's program wrote by the mailto of List-Unsubscribe."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ann <ann@example.com>", to, subject
    message.set_content(text or "\n")
    return message.as_bytes()
