#!/bin/sh
# Puts a backup into a new, empty store:   restore.sh BACKUP [--with-prefect]
#
# BACKUP is one folder that backup.sh made. PRESSRUN_DATABASE_URL names the store to fill: an empty PostgreSQL database,
# or a SQLite file that is not there yet. Nothing is ever written over.
#
# The store is fenced afterwards: it sends nothing until a person vouches for it by name, with pressrun fence --confirm.
# --with-prefect fills PREFECT_SERVER_DATABASE_CONNECTION_URL, too. Keys go to .pressrun/ where they are missing: secret-key
# and dkim/, which pressrun finds there, and dkim-keys, which held PRESSRUN_DKIM_KEYS and has to be named again.
# PYTHON and PRESSRUN name the programs (python3, pressrun).
set -eu
umask 077

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
backup=${1:?"restore.sh BACKUP: name the folder of one backup"}
shift
python=${PYTHON:-python3}
workspace=${PRESSRUN_WORKSPACE:-.}
with_prefect=no

say() { echo "restore: $*" >&2; }
fail() { say "$*"; exit 2; }

for option; do
  case $option in
    --with-prefect) with_prefect=yes ;;
    *) fail "no option is called $option" ;;
  esac
done

# fill VARIABLE NAME: the database that VARIABLE names, from NAME.dump or NAME.db.
fill() {
  connection=$("$python" "$here/connection.py" "$1")
  eval "$connection"
  if [ "$kind" = sqlite ]; then
    [ -f "$backup/$2.db" ] || fail "$backup holds no $2.db: it was made of another kind of database"
    [ ! -e "$file" ] || fail "$file is there already: name a new file, or move it away with its -wal and -shm"
    mkdir -p "$(dirname -- "$file")"
    cp "$backup/$2.db" "$file.part"
    mv "$file.part" "$file"
  else
    [ -f "$backup/$2.dump" ] || fail "$backup holds no $2.dump: it was made of another kind of database"
    tables=$(psql -XAtqc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    [ "$tables" = 0 ] || fail "the database $PGDATABASE is not empty: make a new one"
    pg_restore --no-owner --no-privileges --exit-on-error --single-transaction --dbname="$PGDATABASE" "$backup/$2.dump"
  fi
}

# Run SQL, which is the same for both kinds, on what was filled last.
run_sql() {
  if [ "$kind" = sqlite ]; then
    "$python" -c '
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as store:
    store.executescript(f"BEGIN; {sys.argv[2]} COMMIT;")
' "$file" "$1"
  else
    psql -Xq --set=ON_ERROR_STOP=1 --single-transaction --command="$1" >/dev/null
  fi
}

[ -f "$backup/SHA256SUMS" ] || fail "$backup is no backup: it holds no SHA256SUMS"
(cd "$backup" && sha256sum --check --quiet --strict SHA256SUMS) || fail "$backup is damaged"
if [ -z "${PRESSRUN_DATABASE_URL:-}${PRESSRUN_DATABASE_URL_FILE:-}" ]; then
  PRESSRUN_DATABASE_URL=sqlite:///$workspace/.pressrun/pressrun.db
  export PRESSRUN_DATABASE_URL
fi

made=$(basename -- "$backup" | tr -cd 'A-Za-z0-9._-')
fill PRESSRUN_DATABASE_URL pressrun
"${PRESSRUN:-pressrun}" --workspace "$workspace" subscribers list >/dev/null # opening it brings its tables up to date
run_sql "INSERT INTO fence (id, store_id, home, epoch) VALUES (1, '$("$python" -c 'import uuid; print(uuid.uuid4().hex)')', '', 0)
  ON CONFLICT (id) DO NOTHING; UPDATE fence SET home = 'restored from the backup $made'; DELETE FROM workers;"
mkdir -p "$workspace/.pressrun"
tar -C "$workspace/.pressrun" --skip-old-files -xf "$backup/keys.tar"
if [ "$with_prefect" = yes ]; then fill PREFECT_SERVER_DATABASE_CONNECTION_URL prefect; fi

say "the store holds the backup $made and is fenced: it sends nothing until you vouch for it"
if tar -tf "$backup/keys.tar" ./dkim-keys >/dev/null 2>&1; then
  say "the keys of PRESSRUN_DKIM_KEYS are in $workspace/.pressrun/dkim-keys: name that file by PRESSRUN_DKIM_KEYS_FILE"
fi
say "look with pressrun fence; docs/installation.md tells what to settle before"
