# Stands between PostgreSQL and the process that started us. That process holds the write end of
# our standard input: when it ends, however it ends, the server is shut down.
#
# Arguments: 1 the folder of the cluster; 2 "temporary" (remove the folder at the end) or
# "persistent"; 3 the path of initdb; 4 the path of postgres; the rest are arguments for postgres.
# Words on standard input: "start" first, then "fast" or "immediate" to shut down.
# Standard output: a locked file or /dev/null. It stays open in all that we start, so that a free
# lock means that nothing of an earlier run is alive.

set -u
folder=$1 keep=$2 initdb=$3 postgres=$4
shift 4
data=$folder/pgdata

# A signal to everybody (a container's stop) must not take the guard away before the server.
trap '' HUP INT TERM

leave() {
    if [ "$keep" = temporary ]; then
        for try in 1 2 3 4 5; do
            rm -rf "$folder" && break
            sleep 1
        done
    fi
    exit "$1"
}

# Runs a command until it ends, and passes on what standard input asks for.
run() {
    "$@" 3<&- &
    pid=$!
    (
        while read -r word <&3; do
            case $word in
            fast) kill -INT "$pid" ;;
            immediate) kill -QUIT "$pid" ;;
            esac
        done
        # A program that has just begun ignores the signal, as we do: ask until it is gone.
        while kill -INT "$pid"; do sleep 0.1; done
    ) &
    watcher=$!
    wait "$pid"
    status=$?
    # Some shells tell about it, which says nothing to a reader of the log.
    { kill -KILL "$watcher" && wait "$watcher"; } 2>/dev/null
    return "$status"
}

# The folder is made by our starter once we are here, so that we can always remove it.
read -r word && [ "$word" = start ] || leave 0
exec 3<&0 </dev/null 4>&1 >>"$folder/server.log" 2>&1

if ! [ -d "$data" ]; then
    # A cluster is made beside its place and moved there when it is complete.
    run "$initdb" --pgdata="$folder/making" --username=postgres --pwfile="$folder/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-instructions || leave 1
    mv "$folder/making" "$data" || leave 1
fi

run "$postgres" -D "$data" "$@"
leave $?
