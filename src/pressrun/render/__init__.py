"""Rendering: an issue as mail, each medium from its own templates."""
