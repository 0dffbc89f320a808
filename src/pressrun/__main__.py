"""Lets `python -m pressrun` be the command."""

from pressrun.cli import main

main()
