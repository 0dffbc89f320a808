"""pressrun's Prefect flows: wiring, retries and artifacts around the library's functions, and nothing else."""
