"""pressrun's Prefect flows: wiring, retries and artifacts around the library's functions, and nothing else."""

from pressrun.last_minute import end_in_time

end_in_time()
