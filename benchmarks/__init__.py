"""Speed, told as ratios against peers in the same run: `python -m benchmarks`.

A module with a `measure` holds one or more contests and may tell which of the bars set for pressrun were met; a
contender is a function that takes the contest's job, does the work in a process of its own and returns a sample.
"""
