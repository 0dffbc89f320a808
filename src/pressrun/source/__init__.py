"""Issues as source: what the files may hold, and reading them with every fault placed."""
