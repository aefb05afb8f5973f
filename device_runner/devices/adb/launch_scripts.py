"""What a device's own shell does to start a run, watch over it, and end what is left of one.

Written for the shells of Android 8 to 16 (mksh R56 to R59), and for the tools in `tools.py`:

- A shell of that age that SIGTERM ends may pass it on to its whole process group. So nothing is
  ever sent but SIGKILL, which no program can pass on, and it goes to one process whose number we
  have from its parent. The one group that is signalled is the runner's own, which the shell makes
  (`set -m`). setsid is not relied on: toybox had versions whose setsid always runs the program in a
  child and ends at once, well.
- No subshell counts on a trap of its parent's.
- Whoever starts a process that has to be ended writes its number down first and looks for `done`
  then; whoever ends it writes `done` first and looks for the number then. One of the two sees it.
"""

from __future__ import annotations

# $1 run's folder, $2 bundle's folder, $3 the device's limit, $4 $5 bytes of stdout and stderr that
# are sent back, $6 free KiB that the run needs, then the runner's command.
#
# The answer's first line is `exit CODE OUT ERR`, with `limit` for a code at the device's limit, and
# so many bytes of stdout and stderr follow; or `storage KIB` (what is free, too little), or
# `folder WORDS` (the run's folder cannot be made), and nothing was started; or `gone`: while it ran
# somebody removed the run's folder, and with it what it said.
LAUNCH = """\
run=$1 bundle=$2 limit=$3 max_out=$4 max_err=$5 need=$6
shift 6
umask 022
free=
lacks() {
  free=$(df -Pk "$bundle" 2> /dev/null | tail -n 1 \\
    | { read -r name all used free rest; echo "$free"; })
  case $free in ''|*[!0-9]*) return 1;; esac
  [ "$free" -lt "$1" ]
}
end() {
  for one in 6 7; do
    pid=; read -r pid <&$one
    [ -n "$pid" ] && kill -9 "$pid"
  done 2> /dev/null
}
lacks "$need" && { echo "storage $free"; exit 1; }
words=$({ mkdir -p "$run/out" && echo $$ > "$run/shell" && cd "$bundle"; } 2>&1) \\
  || { echo "folder $words"; exit 1; }
cd "$bundle"
export MOBILESR_TUNE_RUN="$run"
# Nobody may be listening any more when there is something to say. A handler, unlike an ignored
# signal, ends with the shell that set it: the runner does not have it.
trap : PIPE
exec 3<&0
# Open, they can be written and read even where somebody removes the folder meanwhile.
exec 4> "$run/nap" 5> "$run/ear" 6< "$run/nap" 7< "$run/ear"
set -m
"$@" < /dev/null > "$run/stdout" 2> "$run/stderr" 3<&- 4>&- 5>&- 6<&- 7<&- &
runner=$!
set +m
# How adbd says that the other end is gone. That stdin ends then as well is not the rule.
trap 'kill -9 $runner -$runner' HUP
echo $runner > "$run/runner"
{
  sleep "$limit" & nap=$!
  echo $nap >&4
  [ -e "$run/done" ] && kill -9 $nap
  wait $nap
  [ -e "$run/done" ] || { : > "$run/limit"; kill -9 $runner; }
} < /dev/null > /dev/null 2>&1 3<&- &
limiter=$!
{
  cat <&3 & ear=$!
  echo $ear >&5
  [ -e "$run/done" ] && kill -9 $ear
  wait $ear
  [ -e "$run/done" ] || kill -9 $runner
} < /dev/null > /dev/null 2>&1 &
listener=$!
exec 3<&-
wait $runner
code=$?
# Nothing there would tell those two that there is nothing left to end.
[ -d "$run" ] || { kill -9 $limiter $listener -$runner 2> /dev/null; end; echo gone; exit 1; }
: > "$run/done"
end
# What a runner leaves behind that was killed, or that does not wait for its children.
kill -9 -$runner 2> /dev/null
[ -e "$run/limit" ] && code=limit
# On a full disk not even the runner's words were kept: it is not the candidate's fault.
case $code in 0|limit) ;; *) lacks 64 && { echo "storage $free"; exit 1; };; esac
out=$(wc -c < "$run/stdout") err=$(wc -c < "$run/stderr")
[ "$out" -gt "$max_out" ] && out=$max_out
[ "$err" -gt "$max_err" ] && err=$max_err
echo "exit $code $((out)) $((err))"
tail -c "$out" "$run/stdout"
tail -c "$err" "$run/stderr"
"""

# $1 our folder of runs. A process is killed only if it says itself that it is of that run: its
# number may have been given to another since. The shell comes first, that it may not go on.
KILL = """\
cd "$1" 2> /dev/null || exit 0
killed=0
for run in *; do
  [ -d "$run" ] && : > "$run/done"
  for one in shell runner nap ear; do
    pid=; [ -f "$run/$one" ] && read -r pid < "$run/$one"
    case $pid in ''|*[!0-9]*|0|1) continue;; esac
    case $(cat "/proc/$pid/cmdline" "/proc/$pid/environ") in *"/runs/$run"*) ;; *) continue;; esac
    kill -9 "$pid"; [ $one = runner ] && kill -9 "-$pid"
    killed=$((killed + 1)); tries=0
    while [ $tries -lt 50 ] && read -r state < "/proc/$pid/stat"; do
      case ${state##*)} in " Z"*|" X"*) break;; esac
      sleep 0.1; tries=$((tries + 1))
    done
  done
done 2> /dev/null
echo "killed $killed"
"""

# $1 a file, of which the first MiB is sent back.
BEGINNING = 'dd if="$1" bs=65536 count=16 2> /dev/null'
