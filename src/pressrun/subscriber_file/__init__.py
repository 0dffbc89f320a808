"""Files of subscribers: reads what spreadsheets, people and other programs write, and writes what can be read back."""

from __future__ import annotations

from pressrun.store.subscriber import RejectedRow, Row, Subscriber
from pressrun.subscriber_file.format import Column, FileFormat
from pressrun.subscriber_file.reader import SubscriberFile, open_subscribers, read_subscribers
from pressrun.subscriber_file.writer import JsonWriter, RejectionWriter, SubscriberWriter, write_subscribers

__all__ = [
    "Column",
    "FileFormat",
    "JsonWriter",
    "RejectedRow",
    "RejectionWriter",
    "Row",
    "Subscriber",
    "SubscriberFile",
    "SubscriberWriter",
    "open_subscribers",
    "read_subscribers",
    "write_subscribers",
]
