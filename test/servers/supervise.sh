#!/bin/sh
# Runs a server, and ends it with everything it forked when descriptor 3 says a line or closes: the other end
# of it is held by the test process, so the server goes even when the test is killed by SIGKILL.
#   supervise.sh SCRATCH STRAY COMMAND...
# Says the server's process id on descriptor 4, then its exit status when all is gone. Removes SCRATCH, a
# folder, and STRAY, a file or empty, once 3 is closed: until then the test process may read the logs.
scratch=$1 stray=$2
shift 2

# A process with its descendants: vsftpd's sessions leave its group, so that a kill of the group misses them.
# Stopped first, lest they fork on.
killed=
kill_tree() {
  kill -STOP "$1" 2>/dev/null || return
  killed="$killed $1"
  for descendant in $(cat "/proc/$1/task/"*/children 2>/dev/null); do kill_tree "$descendant"; done
  kill -KILL "$1" 2>/dev/null
}

# False too of a process that only waits to be reaped: its files and sockets are closed.
is_running() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  case ${stat##*) } in [ZX]*) return 1 ;; esac
}

wait_until_gone() {
  for process in $killed; do
    rounds=0
    while [ "$rounds" -lt 400 ] && is_running "$process"; do
      rounds=$((rounds + 1))
      sleep 0.005
    done
  done
}

setsid "$@" </dev/null 3<&- 4>&- &
server=$!
trap 'kill_tree "$server"' TERM
echo "$server" >&4
{
  read -r _
  kill -TERM $$
} <&3 3<&- 4>&- &
watcher=$!
# Nobody may be left to read what this shell says: that must not end it before it has cleaned up.
trap '' PIPE
wait "$server" # until it ends, or the trap interrupts
status=$?
wait "$server" # to the end, of all its threads
trap '' TERM
kill -KILL "$watcher" 2>/dev/null
# What is left of its group if it ended by itself.
kill -KILL -- "-$server" 2>/dev/null
wait_until_gone
# The test process has read all that was said when it sees these end.
exec >&- 2>&-
echo "$status" >&4
cat <&3 >/dev/null
rm -rf -- "$scratch"
[ -z "$stray" ] || rm -f -- "$stray"
