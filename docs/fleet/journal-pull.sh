#!/bin/sh
# The head office fetches what is new in a box's journal over ssh; nothing is written on the box.
#   journal-pull.sh technician@192.168.1.10 /srv/journals/nord [options of journalctl]
# Each run that finds something adds one file, 00000001.export, 00000002.export ..., in the journal's
# export format; together they hold each line once. A transfer that breaks off adds nothing, and the
# next run fetches it again.
# La sede centrale prende ciò che c'è di nuovo nel registro di un apparecchio; là non scrive nulla.
set -eu
box=$1 folder=$2
shift 2
umask 077
mkdir -p "$folder"
exec 9> "$folder/lock"
flock -n 9 || { echo "$folder: a run is under way / un'esecuzione è in corso" >&2; exit 75; }

# The number of the last file, and how far it goes: written once that is whole. Cut between the two,
# the next run writes the same file again, longer.
number=0 cursor=
[ ! -s "$folder/cursor" ] || read -r number cursor < "$folder/cursor"

[ $# -gt 0 ] || set -- --unit=centralino.service --unit=centralino-media.service \
    --unit=centralino-console.service
asked="journalctl --quiet --output=export --show-cursor"
for option in "$@" ${cursor:+"--after-cursor=$cursor"}; do
    asked="$asked '$option'" # for the shell over there: a cursor has semicolons
done

ssh -o BatchMode=yes -- "$box" "$asked" > "$folder/draft"
[ -s "$folder/draft" ] || { rm "$folder/draft"; exit 0; } # nothing was ever said
cursor=$(tail -n 1 "$folder/draft" | sed -n 's/^-- cursor: \([0-9a-z=;]*\)$/\1/p')
[ -n "$cursor" ] || { echo "$box: it broke off / si è interrotto" >&2; exit 1; }
head -n -1 "$folder/draft" > "$folder/whole"
rm "$folder/draft"
[ -s "$folder/whole" ] || { rm "$folder/whole"; exit 0; } # nothing new
number=$((number + 1))
echo "$number $cursor" > "$folder/cursor.new"
sync "$folder/whole" "$folder/cursor.new"
mv "$folder/whole" "$folder/$(printf %08d "$number").export"
mv "$folder/cursor.new" "$folder/cursor"
sync "$folder"
