"""pressrun: from a folder of text in git to inbox, feed, archive and delivery log."""

__version__ = "0.1.0"
