"""Time: when an issue goes out, when mail may leave, and which issues are expected."""
