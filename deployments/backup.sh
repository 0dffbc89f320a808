#!/bin/sh
# Saves the store, Prefect's database where it is on this machine, and the keys:   backup.sh FOLDER
#
# Makes FOLDER/<moment in UTC>/ with pressrun.dump or pressrun.db, prefect.dump, keys.tar and SHA256SUMS. What is there
# under its name is whole: it is checked, then renamed. Keeps the newest BACKUP_KEEP of them (14).
# Reads PRESSRUN_DATABASE_URL (else .pressrun/pressrun.db), PREFECT_SERVER_DATABASE_CONNECTION_URL, PRESSRUN_WORKSPACE,
# PRESSRUN_DKIM_FOLDER, PRESSRUN_DKIM_KEYS and PRESSRUN_SECRET_KEY, or the files that PRESSRUN_…_FILE name, as pressrun and
# Prefect do. Keys that are kept in a Prefect block are in Prefect's database. PYTHON names the interpreter (python3).
set -eu
umask 077

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:?"backup.sh FOLDER: name the folder that backups go to"}
python=${PYTHON:-python3}
workspace=${PRESSRUN_WORKSPACE:-.}
moment=$(date -u +%Y-%m-%dT%H%M%SZ)
part=$folder/.part-$moment

say() { echo "backup: $*" >&2; }

# save VARIABLE NAME: the database that VARIABLE names, as NAME.dump or NAME.db.
save() {
  connection=$("$python" "$here/connection.py" "$1")
  eval "$connection"
  if [ "$kind" = sqlite ]; then
    [ -f "$file" ] || { say "there is no $file"; exit 2; }
    # SQLite's own copy: whole, however much is being written meanwhile.
    "$python" -c '
import sqlite3, sys
with sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=60) as source:
    source.execute("VACUUM INTO ?", (sys.argv[2],))
copy = sqlite3.connect(sys.argv[2])
said = copy.execute("PRAGMA integrity_check").fetchone()[0]
sys.exit(0 if said == "ok" else f"the copy is damaged: {said}")
' "$file" "$part/$2.db"
  else
    pg_dump --format=custom --no-owner --no-privileges --file="$part/$2.dump"
    pg_restore --list "$part/$2.dump" >/dev/null
  fi
}

# save_key VARIABLE NAME [FILE]: what VARIABLE holds, or the file that VARIABLE_FILE names, else FILE where it is there. It
# is read, not copied: a secret that is mounted for all to read is for its owner alone here.
save_key() {
  eval "text=\${$1:-} from=\${${1}_FILE:-}"
  if [ -z "$from" ] && [ -f "${3:-}" ]; then from=$3; fi
  if [ -n "$text" ]; then
    printf %s "$text" >"$part/keys/$2"
  elif [ -n "$from" ]; then
    cat "$from" >"$part/keys/$2"
    [ -s "$part/keys/$2" ] || rm "$part/keys/$2"
  fi
}

# Whoever has the keys can sign mail and let people leave lists: the folder is for its owner alone.
save_keys() {
  mkdir "$part/keys"
  save_key PRESSRUN_SECRET_KEY secret-key "$workspace/.pressrun/secret-key"
  save_key PRESSRUN_DKIM_KEYS dkim-keys
  dkim=${PRESSRUN_DKIM_FOLDER:-$workspace/.pressrun/dkim}
  if [ -d "$dkim" ]; then cp -R "$dkim" "$part/keys/dkim"; fi
  tar -C "$part/keys" -cf "$part/keys.tar" .
  rm -r "$part/keys"
}

mkdir -p "$folder"
mkdir "$part"
trap 'rm -rf "$part"' EXIT
trap 'exit 1' HUP INT TERM

if [ -z "${PRESSRUN_DATABASE_URL:-}${PRESSRUN_DATABASE_URL_FILE:-}" ]; then
  PRESSRUN_DATABASE_URL=sqlite:///$workspace/.pressrun/pressrun.db
  export PRESSRUN_DATABASE_URL
fi
save PRESSRUN_DATABASE_URL pressrun
if [ -n "${PREFECT_SERVER_DATABASE_CONNECTION_URL:-}" ]; then
  save PREFECT_SERVER_DATABASE_CONNECTION_URL prefect
fi
save_keys
(cd "$part" && sha256sum -- * >../.sums-"$moment" && mv ../.sums-"$moment" SHA256SUMS)
sync "$part"/*
mv "$part" "$folder/$moment"
say "$folder/$moment: $(du -sh "$folder/$moment" | cut -f1)"

# Only what a backup is called is ever removed.
ls -1 "$folder" | grep -E '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z$' | sort -r | tail -n +"$((${BACKUP_KEEP:-14} + 1))" |
  while read -r old; do rm -r "${folder:?}/$old"; done
