"""The fault plan: a send is broken in every way we know, and its log is held against what the receiver really took.

`make torture` runs it whole; docs/torture.md says what stands in the table.
"""
