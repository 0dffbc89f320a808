"""Rehearsals: an issue sent to its whole audience by the real engine, to nobody, with things going wrong on purpose."""
