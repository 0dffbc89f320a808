"""The REST API below /api/v1: what programs of others may read and change, each with a key of its own."""
