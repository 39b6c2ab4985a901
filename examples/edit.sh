#!/bin/sh
# One edit with curl and jq:  DESK_URL=… DESK_TOKEN=… examples/edit.sh "Make 2 images: …" roof.jpg sky.png
# Saves the results into the present folder. The pictures are files or https links, in the prompt's order.
set -eu

end() { echo "$1" >&2; exit 1; }
for program in curl jq; do
    command -v "$program" > /dev/null || end "This needs $program, which is not here. Install it: apt-get install $program"
done
if [ $# -lt 2 ] || [ -z "${DESK_URL:-}" ] || [ -z "${DESK_TOKEN:-}" ]; then
    end "DESK_URL=… DESK_TOKEN=… examples/edit.sh \"Make 2 images: …\" roof.jpg sky.png"
fi

text=$1; shift
while [ "$DESK_URL" != "${DESK_URL%/}" ]; do DESK_URL=${DESK_URL%/}; done
api=$DESK_URL/api/v1
key=$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)
headers=$(mktemp); answer=$(mktemp)
trap 'rm -f "$headers" "$answer" "$answer.new"' EXIT

call() {
    curl --silent --show-error --dump-header "$headers" --header "Authorization: Bearer $DESK_TOKEN" \
        --write-out '%{http_code}' "$@" || end "$DESK_URL cannot be asked, or a picture cannot be read."
}
header() { tr -d '\r' < "$headers" | awk -F ': ' -v name="$1" 'tolower($1) == name { value = $2 } END { print value ? value : 1 }'; }
refused() {
    # What is not JSON comes from another server, or from a proxy in front.
    words=$(jq --raw-output '.errors[] | "\(.attr // .code): \(.detail)"' "$1" 2> /dev/null) || words=
    end "${words:-$DESK_URL answers HTTP $code, not as Seedream Desk does. Check DESK_URL.}"
}

at=0
for picture; do
    case $picture in http://* | https://*) set -- "$@" --form-string "images[$at]=$picture" ;;
    *) set -- "$@" --form "images[$at]=@$picture" ;; esac
    shift; at=$((at + 1))
done
# Sent again with the same key, the same edit is not made, and paid, twice.
code=$(call --retry 3 --header "Idempotency-Key: $key" --form-string "text=$text" "$@" "$api/jobs/" --output "$answer")
[ "$code" = 201 ] || refused "$answer"
job=$(jq --raw-output .url "$answer")

# The server says when it is worth asking again; an unchanged job is not sent again.
until jq --exit-status .finished_at "$answer" > /dev/null; do
    sleep "$(header retry-after)"
    code=$(call --header "If-None-Match: ${tag:-none}" --output "$answer.new" "$job")
    case $code in
        200) mv "$answer.new" "$answer"; tag=$(header etag) ;;
        304 | 429) rm -f "$answer.new" ;;
        *) refused "$answer.new" ;;
    esac
done

if [ "$(jq --raw-output .state "$answer")" != completed ]; then
    jq --raw-output '"\(.state): \(.reason_text) \(.provider_words)"' "$answer" >&2
    exit 1
fi
jq --raw-output '.outputs[].url' "$answer" | while read -r url; do
    curl --silent --show-error --fail --location --remote-name --remote-header-name \
        --header "Authorization: Bearer $DESK_TOKEN" --write-out '%{filename_effective}\n' "$url"
done
