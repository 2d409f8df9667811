#!/bin/sh
# Everything that takes minutes to hours, one part after the other: a part that fails stops no other
# and is not forgotten. Ends with a table of figures and of how each part ended; kept in build/long.
set -u
cd "$(dirname "$0")/.."
py=${PY:-.venv-3.13/bin/python}
seed=${SEED:-1}
seconds=${FUZZ_SECONDS:-600}
kept=build/long
mkdir -p "$kept"
rm -f "$kept"/*.log "$kept"/*.figures "$kept"/ended
failed=0

# part NAME COMMAND…: run it, keep what it says, note how it ended and how long it took
part() {
    name=$1
    shift
    began=$(date +%s)
    printf '\n=== %s\n' "$name"
    if { FIGURES="$kept/$name.figures" "$@" 2>&1; echo $? >"$kept/status"; } | tee "$kept/$name.log"
    then :; fi
    status=$(cat "$kept/status")
    how=passed
    [ "$status" -eq 0 ] || { how="FAILED ($status)"; failed=1; }
    printf '%-12s %6d s  %s\n' "$name" "$(($(date +%s) - began))" "$how" >>"$kept/ended"
}

# Which parts there are; LONG names some of them. Each as its own, so that one cannot hide another.
one() {
    case $1 in
    faults) part faults "$py" -m pytest -q --show-capture=no -m long tests/faults ;;
    soaks) part soaks "$py" -m pytest -q --show-capture=no -m long tests/soak ;;
    tests) part tests "$py" -m pytest -q --show-capture=no -m long --ignore=tests/faults --ignore=tests/soak --ignore=tests/image ;;
    image) part image "$py" -m pytest -q --show-capture=no -m long tests/image ;;
    answering) part answering "$py" -m tests.bench --only answering --calls 500 ;;
    soak) part soak "$py" -m tests.soak --calls 2000 --seed "$seed" ;;
    hour) part hour "$py" -m tests.soak.real --minutes "${MINUTES:-60}" --seed "$seed" ;;
    year) part year "$py" -m tests.year --seed "$seed" ;;
    fuzz) part fuzz "$py" -m tests.fuzz --seconds "$seconds" ;;
    *) part "$1" sh -c "echo 'there is no part $1'; exit 2" ;;
    esac
}

for name in ${LONG:-faults soaks tests image answering soak hour year fuzz}; do
    one "$name"
done

{
    printf '\n=== figures\n'
    cat "$kept"/*.figures 2>/dev/null | sort -V
    for name in answering soak hour year fuzz; do
        [ -s "$kept/$name.log" ] && printf -- '--- %s\n' "$name" && tail -n 12 "$kept/$name.log"
    done
    printf '\n=== how each part ended\n'
    cat "$kept/ended"
} | tee "$kept/table"
exit "$failed"
