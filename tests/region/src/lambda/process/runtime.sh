#!/bin/bash
# A Lambda runtime for the tests: answers an invocation with its own payload, unless the payload
# says to crash, to hang or to fail.
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API#*:}
base=/2018-06-01/runtime/invocation
exchange() { # method path body: sets $head and $body
  exec 3<>"/dev/tcp/$host/$port"
  printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' \
    "$1" "$2" "${#3}" "$3" >&3
  head='' body=''
  while IFS= read -r line <&3 && [ "$line" != $'\r' ]; do head+="$line"$'\n'; done
  IFS= read -r -d '' body <&3
  exec 3>&-
}
echo "started as $AWS_LAMBDA_FUNCTION_NAME, $AWS_ACCESS_KEY_ID, $COLOUR, [$CARGO_MANIFEST_DIR]"
while true; do
  exchange GET $base/next ''
  id=$(printf '%s' "$head" | tr -d '\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  case $body in
    *crash*) exit 3 ;;
    *hang*) sleep 60 ;;
    *fail*) exchange POST $base/$id/error '{"errorType":"Broken","errorMessage":"as asked"}' ;;
    *) exchange POST $base/$id/response "{\"pid\":$$,\"echo\":$body}" ;;
  esac
done
