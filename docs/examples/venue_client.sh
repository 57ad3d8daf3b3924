#!/usr/bin/env bash
# A till and a signed webhook with curl and openssl. Made to be copied.
#   WISHTREE_URL=https://… VENUE_ID=… API_KEY=wt_… WEBHOOK_SECRET=whsec_… ./venue_client.sh CODE ANOTHER_CODE
set -euo pipefail
code=$1 other=$2 sale=$(openssl rand -hex 4)

till() { # path, body
  curl --silent --show-error --fail-with-body --retry 3 --header "Api-Key: $API_KEY" \
    --header "Content-Type: application/json" --data "$2" "$WISHTREE_URL$1"
  echo
}

report() { # body: signed over id, time and the very bytes that are sent
  local id seconds key signature
  id=msg_$(openssl rand -hex 12) seconds=$(date +%s)
  key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
  signature=$(printf %s "$id.$seconds.$1" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
  curl --silent --show-error --fail-with-body --retry 3 --header "Content-Type: application/json" \
    --header "webhook-id: $id" --header "webhook-timestamp: $seconds" --header "webhook-signature: v1,$signature" \
    --data-binary "$1" "$WISHTREE_URL/v1/webhooks/venues/$VENUE_ID"
  echo
}

till /v1/vouchers/check "{\"code\": \"$code\"}"
till /v1/vouchers/redeem "{\"code\": \"$code\", \"reference\": \"$sale-1\"}"
report "{\"type\": \"redemption.confirmed\", \"timestamp\": \"$(date -u +%FT%TZ)\",
  \"data\": {\"code\": \"$other\", \"reference\": \"$sale-2\"}}"
