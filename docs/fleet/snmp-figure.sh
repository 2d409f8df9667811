#!/bin/sh
# One figure of the box for snmpd(8)'s `extend`: the sum of the samples that the pattern finds.
#   snmp-figure.sh http://192.168.1.10:9799/metrics 'centralino_voicemail_unheard_messages '
#   snmp-figure.sh http://192.168.1.10:9799/metrics 'centralino_line_state[{].*"out"'
# Una misura dell'apparecchio per `extend` di snmpd(8): la somma dei valori che il modello trova.
set -eu
curl --silent --show-error --fail --max-time 4 "$1" | awk -v wanted="^$2" '
    $0 ~ wanted { sum += $NF; found = 1 }
    END { if (!found) exit 1; printf "%.0f\n", sum }'
