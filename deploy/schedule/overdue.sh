#!/bin/sh
# Did the nightly run happen? Asked in the morning, from another machine than the service's: a
# scheduler that stands still tells nobody. Silent if all is well, so that cron mails trouble only.
#
#   SERVICE_URL  where the service is
#   API_KEY      a key that may read: python -m clothing key new watch --scope read
#
# Exit codes: 0 a run has succeeded within 26 hours; 1 none has, or nobody answered; 2 a setting is wrong.
set -u

url=${SERVICE_URL:-}
url=${url%/}
case $url in
  https://?* | http://?*) ;;
  *) echo "SERVICE_URL takes an address such as https://NAME.azurewebsites.net. Received: '$url'." >&2; exit 2 ;;
esac

# The key goes through standard input, so that a list of processes does not show it.
quoted=$(printf '%s' "${API_KEY:-}" | sed 's/[\\"]/\\&/g')
figures=$(printf 'header = "X-API-Key: %s"\n' "$quoted" | curl --config - --silent --show-error --fail \
  --max-time 90 --retry 3 --retry-connrefused "$url/metrics") ||
  { echo "$url/metrics does not answer as it should: nobody knows whether the nightly run happened." >&2; exit 1; }
case $figures in
  *'
clothing_last_success_timestamp_seconds 0'*)
    echo "No run has ever succeeded. Is the scheduler set up? Look at $url, and at deploy/schedule." >&2
    exit 1
    ;;
  *'
clothing_nightly_run_overdue 0'*) ;;
  *) echo "No run has succeeded for 26 hours. Look at $url, and at docs/runbook.md." >&2; exit 1 ;;
esac
