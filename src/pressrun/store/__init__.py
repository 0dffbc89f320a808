"""The store: subscribers, editions, sends and the delivery log, on SQLite or PostgreSQL."""
