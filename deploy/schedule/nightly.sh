#!/bin/sh
# The nightly run over HTTP, for any scheduler: starts it, waits for its end, says how it went.
#
#   SERVICE_URL    where the service is; an Azure WebJob knows by itself
#   API_KEY        its key; from the environment, so that no command line and no file shows it
#   NOTHING_NEW    "ok" if a night without a new photo is fine; else that is exit code 4
#   WAIT_SECONDS   how long one request may wait for the run: 60 (Azure ends a WebJob that says nothing
#                  for two minutes)
#   POLL_SECONDS   from one look at a run that goes on to the next: 15
#   RETRIES        further requests where nobody answers, as after a cold start: 20
#   LIMIT_SECONDS  when to give up watching a run: 14400
#
# Exit codes: 0 done; 1 the run failed or nobody answered; 2 a setting is wrong; 3 too many photos
# failed; 4 nothing was new.
# Asking twice is safe: there is one run at a time, and who comes second is told where it is. A run that
# somebody else began may be of a part of the photos, or have listed them before the last ones came: it
# is waited for, and then ours begins.
set -u

say() { printf '%s %s\n' "$(date -u '+%Y-%m-%d %H:%M:%SZ')" "$1"; }
fail() { say "$1" >&2; exit "${2:-1}"; }

wait_seconds=${WAIT_SECONDS:-60}
poll_seconds=${POLL_SECONDS:-15}
retries=${RETRIES:-20}
limit_seconds=${LIMIT_SECONDS:-14400}
for number in "$wait_seconds" "$poll_seconds" "$retries" "$limit_seconds"; do
  case $number in
    '' | *[!0-9]*) fail "WAIT_SECONDS, POLL_SECONDS, RETRIES and LIMIT_SECONDS take whole numbers. Received: $number." 2 ;;
  esac
done
url=${SERVICE_URL:-${WEBSITE_HOSTNAME:+https://$WEBSITE_HOSTNAME}}
url=${url%/}
case $url in
  https://?* | http://?*) ;;
  *) fail "SERVICE_URL takes an address such as https://NAME.azurewebsites.net. Received: '$url'." 2 ;;
esac
command -v curl >/dev/null || fail "curl is not installed. Install it, or run: python -m clothing run" 2

folder=$(mktemp -d) || fail "No temporary folder can be made." 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

# One request: its status in $code (000 if nobody answered), its body and headers in files. The key
# goes through standard input, so that a list of processes does not show it.
ask() {
  quoted=$(printf '%s' "${API_KEY:-}" | sed 's/[\\"]/\\&/g')
  code=$(printf 'header = "X-API-Key: %s"\n' "$quoted" | curl --config - --silent --show-error \
    --request "$1" --header "Prefer: wait=$wait_seconds" --max-time $((wait_seconds + 60)) \
    --dump-header "$folder/headers" --output "$folder/body" --write-out '%{http_code}' \
    "$2" 2>"$folder/complaint") || code=000
}

# The same, again while nobody answers: the service starts, or a gateway speaks in its place.
ask_patiently() {
  : >"$folder/body"
  tries=0
  while ask "$1" "$2"; do
    case $code in
      000 | 502 | 503 | 504) ;;
      *) return ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -le "$retries" ] || return
    sleep "$poll_seconds"
  done
}

# The first text or number of a name in the answer; a run's own fields come first in it.
text() { grep -o "\"$1\": *\"[^\"]*\"" "$folder/body" | head -n 1 | sed 's/^"[^"]*": *"//; s/"$//'; }
number() { grep -o "\"$1\": *[0-9]*" "$folder/body" | head -n 1 | sed 's/.*: *//'; }

# What an answer that was not hoped for says, in one line.
reason() {
  case $code in
    000) head -n 1 "$folder/complaint" ;;
    401 | 403) printf '%s %s' "API_KEY is not this service's key." "$(text detail)" ;;
    *) printf 'HTTP %s %s' "$code" "$(text detail)" ;;
  esac
}

# Looks at the run until it is over, and says each time how far it is.
follow() {
  while [ "$(text status)" = running ]; do
    say "Run $(number run_id) goes on: $(number classified) photos classified."
    [ "$(date +%s)" -lt "$deadline" ] ||
      fail "Run $(number run_id) still goes on after $limit_seconds s. Look at $url$location."
    sleep "$poll_seconds"
    ask_patiently GET "$url$location"
    [ "$code" = 200 ] || fail "The run cannot be looked at: $(reason)"
  done
}

deadline=$(($(date +%s) + limit_seconds))
attempt=1
interrupted=0
while :; do
  ask_patiently POST "$url/prediction"
  case $code in
    200 | 500) ;;
    202)
      others=$(grep -o '"started": *false' "$folder/body")
      location=$(sed -n 's/^[Ll]ocation: *//p' "$folder/headers" | tr -d '\r' | tail -n 1)
      location=${location#"$url"}
      case $location in
        /*) follow ;;
        *) fail "The service names no run of its own to follow. Received: '$location'." ;;
      esac
      if [ -n "$others" ]; then
        say "Run $(number run_id) was somebody else's and is over ($(text status)); now ours."
        attempt=$((attempt + 1))
        continue
      fi
      ;;
    *) fail "The run could not be started: $(reason)" ;;
  esac
  status=$(text status)
  [ "$status" = interrupted ] && [ "$interrupted" -lt 2 ] || break
  say "Run $(number run_id) was interrupted; the next one finishes its work."
  attempt=$((attempt + 1))
  interrupted=$((interrupted + 1))
done

run="Run $(number run_id)"
case $status in
  succeeded) ;;
  '') fail "The service failed: $(reason)" ;;
  *) fail "$run $status: $(text detail)$(text error)" ;;
esac
classified=$(number classified)
say "$run succeeded: $(number listed) photos, $classified classified, $(number failed) unreadable, $(number skipped) done before."
complaint=$(text complaint)
[ -z "$complaint" ] || fail "$run: $complaint" 3
if [ "${classified:-0}" -eq 0 ] && [ "$attempt" -eq 1 ] && [ "${NOTHING_NEW:-}" != ok ]; then
  fail "$run classified nothing. Do new photos arrive? If such nights are fine, set NOTHING_NEW=ok." 4
fi
