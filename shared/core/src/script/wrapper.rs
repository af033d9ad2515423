//! The wrapper's own text: what stands around the claim's part of the script.
//!
//! It is written for every POSIX shell, and needs of the instance only coreutils. What it says of
//! amazon-ssm-agent is read from the agent's source: `agent/executers/executers.go` and
//! `agent/plugins/pluginutil/pluginutil_unix.go`.
//!
//! **Order.** Whatever may fail for want of disk (directory, pipes, the script's file) comes before the
//! marker, and fails with [`super::EXIT_NO_MARKER`]: nothing of the claim ran.
//!
//! **Streams.** The agent waits until nobody has its pipes open any more (golang/go #13155), and of what comes through
//! them the *first* 24,000 characters of output and 8,000 of errors are kept. So the script never
//! gets the agent's pipes but two of the wrapper's: a `cat` hands each on to `ready_pool_show`, which passes the
//! first bytes on as they come and the last ones at the end. What lies between is dropped, and never on the disk.
//!
//! `ready_pool_cut_off` ends a stream that somebody still has open: a reader that discards everything takes
//! the place of its `cat`, so that whoever writes there is neither killed nor held up. It is called two seconds
//! after the script's end, for what the script left behind; and three seconds before the script's time is up, for streams that are
//! past their first bytes: the agent hears nothing more once it has killed the process group.

use std::fmt::Write;

/// Bytes of output that are passed on as they come, and bytes of its end. With the line between them they
/// are less than the 24,000 characters that Systems Manager keeps, whatever a character is to it.
const OUTPUT: Stream = Stream {
    number: 1,
    first: 8_000,
    last: 15_800,
    to: "",
};
/// The same for errors, of which it keeps 8,000. The wrapper's own words come on top.
const ERRORS: Stream = Stream {
    number: 2,
    first: 2_500,
    last: 5_100,
    to: " >&2",
};
/// How long before a script's time is up the end of its output is brought out, seconds.
const BEFORE_TIME_IS_UP: u32 = 3;
/// A script with less time than this, seconds, is not cut short for it.
const SHORTEST_TIME: u32 = 30;

struct Stream {
    number: u8,
    first: u32,
    last: u32,
    to: &'static str,
}

/// Makes what the script needs on the instance.
pub(super) const PREPARE: &str = r#"umask 077
ready_pool_dir="${READY_POOL_DIR:-/var/lib/ready-pool}"
ready_pool_run="$ready_pool_dir/run.$$"
ready_pool_give_up() {
  rm -rf "$ready_pool_run"
  echo "ready-pool: cannot write to $ready_pool_dir: nothing of the claim ran" >&2
  exit 113
}
ready_pool_show() {
  dd bs=1 count="$2" 2>/dev/null
  ready_pool_byte=$(dd bs=1 count=1 2>/dev/null | od -An -to1)
  if [ "$ready_pool_byte" ]; then
    touch "$ready_pool_run/cut.$1" 2>/dev/null
    printf '\n[ready-pool: the first %s bytes are above; the last of the rest, %s at most, are below]\n' "$2" "$3"
    { printf "\\${ready_pool_byte##* }"; cat; } | tail -c "$3"
  fi
  rm -f "$ready_pool_run/open.$1" "$ready_pool_run/cut.$1"
}
ready_pool_cut_off() {
  [ -e "$ready_pool_run/$1.$2" ] || return 0
  exec 9<> "$ready_pool_run/in.$2"
  exec 8< "$ready_pool_run/in.$2" 9>&-
  cat <&8 &
  kill "$3"
}
mkdir -p "$ready_pool_dir" && rm -rf "$ready_pool_run" && mkdir "$ready_pool_run" &&
  mkfifo "$ready_pool_run/in.1" "$ready_pool_run/in.2" "$ready_pool_run/out.1" "$ready_pool_run/out.2" &&
  touch "$ready_pool_run/script" "$ready_pool_run/open.1" "$ready_pool_run/open.2" &&
  chmod 700 "$ready_pool_run/script" &&
  printf '%s\n' "$ready_pool_claim" > "$ready_pool_run/claim" || ready_pool_give_up
"#;

/// Whose the instance is.
pub(super) const MARKER: &str = r#"if ! ln "$ready_pool_run/claim" "$ready_pool_dir/claim" 2>/dev/null; then
  ready_pool_owner=$(cat "$ready_pool_dir/claim") || ready_pool_give_up
  rm -rf "$ready_pool_run"
  if [ "$ready_pool_owner" != "$ready_pool_claim" ]; then
    echo "ready-pool: this instance belongs to claim $ready_pool_owner: nothing of the claim ran" >&2
    exit 114
  fi
  echo "ready-pool: this claim's script was started before; waiting for its status" >&2
  while [ ! -f "$ready_pool_dir/status" ]; do sleep 1; done
  exit "$(cat "$ready_pool_dir/status")"
fi
"#;

/// The streams, and the beginning of the subshell that becomes the script. From here on the wrapper's
/// own errors go nowhere (bash would print a killed subshell's text, values and all); 7 is the agent's pipe for errors.
pub(super) fn streams(execution_timeout_seconds: u32) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for Stream {
        number,
        first,
        last,
        to,
    } in [OUTPUT, ERRORS]
    {
        let _ = write!(
            text,
            r#"ready_pool_show {number} {first} {last} < "$ready_pool_run/out.{number}"{to} &
ready_pool_shown_{number}=$!
"#
        );
    }
    text.push_str("ready_pool_timer=\nexec 7>&2 > /dev/null 2>&1\n");
    for Stream { number, .. } in [OUTPUT, ERRORS] {
        let _ = write!(
            text,
            r#"cat < "$ready_pool_run/in.{number}" > "$ready_pool_run/out.{number}" 7>&- &
ready_pool_cat_{number}=$!
"#
        );
    }
    if execution_timeout_seconds >= SHORTEST_TIME {
        let _ = write!(
            text,
            r#"(
  sleep {} & ready_pool_sleep=$!
  trap 'kill "$ready_pool_sleep"; exit' TERM
  wait "$ready_pool_sleep"
  ready_pool_cut_off cut 1 "$ready_pool_cat_1"
  ready_pool_cut_off cut 2 "$ready_pool_cat_2"
) 7>&- &
ready_pool_timer=$!
"#,
            execution_timeout_seconds.saturating_sub(BEFORE_TIME_IS_UP)
        );
    }
    text.push_str(
        r#"(
umask 022
[ "$HOME" ] || HOME=${READY_POOL_HOME:-~root}
export HOME
"#,
    );
    text
}

/// Says so where the interpreter of the first line is not there: a shell would name the wrapper's file and line.
pub(super) const IS_THERE: &str = r#"if ! command -v -- "$1" > /dev/null; then
  echo "ready-pool: this instance has no $1, which the first line of init.commands names" >&2
  exit 127
fi
"#;

/// Runs it, records its status and ends with it. The agent takes three statuses for something else: 137 for its own
/// time-out, 168 for success, 194 for a wish to reboot.
pub(super) const RUN: &str = r#"exec "$@"
) < /dev/null > "$ready_pool_run/in.1" 2> "$ready_pool_run/in.2" 7>&-
ready_pool_status=$?
ready_pool_word=
case $ready_pool_status in
137 | 168 | 194)
  ready_pool_word="ready-pool: exit status $ready_pool_status means something else to Systems Manager, and counts as 1"
  ready_pool_status=1
esac
printf '%s\n' "$ready_pool_status" > "$ready_pool_dir/status.new" &&
  mv "$ready_pool_dir/status.new" "$ready_pool_dir/status"
[ -z "$ready_pool_timer" ] || kill "$ready_pool_timer"
(
  sleep 2
  ready_pool_cut_off open 1 "$ready_pool_cat_1"
  ready_pool_cut_off open 2 "$ready_pool_cat_2"
) 7>&- &
ready_pool_timer=$!
wait "$ready_pool_shown_1" "$ready_pool_shown_2"
kill "$ready_pool_timer"
rm -rf "$ready_pool_run"
[ -z "$ready_pool_word" ] || echo "$ready_pool_word" >&7
exit "$ready_pool_status"
"#;
