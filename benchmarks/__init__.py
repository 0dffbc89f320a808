"""Speed, told as ratios against peers in the same run: `python -m benchmarks`.

A module with a `measure` holds one or more contests; a contender is a function that takes the
contest's job, does the work in a process of its own and returns a sample.
"""
