"""What programs of others say of what pressrun makes. A package, so that its tests may be named as those elsewhere."""
