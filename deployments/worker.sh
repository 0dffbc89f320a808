#!/bin/sh
# Runs a worker as a container's main process: `docker stop` lets running deliveries finish the messages in flight.
#
# A worker alone would wait for its runs to end by themselves, and be killed with them when the container's time is up.
# So the signal goes to every process here, as systemd does it by itself.
set -eu
stop() {
  trap '' TERM INT
  kill -TERM -1
}
trap stop TERM INT
prefect worker start --type process --pool "${PRESSRUN_WORK_POOL:-pressrun}" "$@" &
worker=$!
while kill -0 "$worker" 2>/dev/null; do
  wait "$worker" && status=0 || status=$?
done
exit "$status"
