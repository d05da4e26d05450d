#!/bin/sh
# Waits until a deployed service is ready: smoke.sh URL [COMMIT]. Fails after TRIES looks (60), each
# after PAUSE seconds (10). With a commit, an older one that still answers does not count.
set -eu
url=${1:?Usage: smoke.sh URL [COMMIT]}
url=${url%/}
body=$(mktemp)
trap 'rm -f "$body"' EXIT
tries=0
while :; do
  code=$(curl --silent --max-time 60 --output "$body" --write-out '%{http_code}' "$url/health/ready") || code=000
  if [ "$code" = 200 ] && { [ -z "${2:-}" ] || grep -q "\"revision\": *\"$2\"" "$body"; }; then
    echo "Ready: $(cat "$body")"
    exit 0
  fi
  tries=$((tries + 1))
  [ "$tries" -lt "${TRIES:-60}" ] || break
  sleep "${PAUSE:-10}"
done
echo "Not ready: HTTP $code $(head -c 2000 "$body")" >&2
exit 1
