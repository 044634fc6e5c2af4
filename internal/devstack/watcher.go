//go:build !noembed && unix

package devstack

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// watcher is a small shell process that outlives this one for a moment. It
// reads a pipe of which only this process holds the writing end. When the pipe
// closes, for whatever reason, it ends the processes that it was told of, waits
// for them and removes the folder that it was given.
//
// It runs in its own session, so that Ctrl-C in a terminal does not end it.
type watcher struct {
	pipe io.WriteCloser
	cmd  *exec.Cmd
}

// watchScript reads lines of a word and a process id. A process counts as gone
// when it is a zombie: in a container nobody may be there to reap it.
const watchScript = `
trap '' INT TERM HUP QUIT
folder=$1 group= server=
while read -r word id; do
	case $word in
	group) group=$id ;;
	server) server=$id ;;
	gone) group= server= ;;
	esac
done
alive() {
	kill -0 "$1" 2>/dev/null || return 1
	if [ -r "/proc/$1/status" ] && grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; then return 1; fi
	return 0
}
if [ -n "$group" ]; then
	kill -KILL -- "-$group" 2>/dev/null
	tries=0
	while alive "$group" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
fi
if [ -n "$server" ]; then
	kill -QUIT "$server" 2>/dev/null
	tries=0
	while alive "$server" && [ "$tries" -lt 150 ]; do sleep 0.1; tries=$((tries + 1)); done
	kill -KILL "$server" 2>/dev/null
fi
if [ -n "$folder" ]; then rm -rf -- "$folder" || { sleep 1; rm -rf -- "$folder"; }; fi
`

// startWatcher starts a watcher that removes folder at the end; an empty
// folder removes nothing.
func startWatcher(folder string) (*watcher, error) {
	cmd := exec.Command("/bin/sh", "-c", watchScript, "points-ledger-watcher", folder)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open watcher pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start watcher: %w", err)
	}
	return &watcher{pipe: pipe, cmd: cmd}, nil
}

// tell names a process to end: "group" for a whole process group (initdb and
// its children), "server" for a postmaster, "gone" when there is none any more.
// A dead watcher is no reason to fail: it is the second line of defence.
func (w *watcher) tell(word string, pid int) { _, _ = fmt.Fprintf(w.pipe, "%s %d\n", word, pid) }

// finish lets the watcher do its last work, and waits for it.
func (w *watcher) finish() {
	_ = w.pipe.Close()
	_ = w.cmd.Wait()
}

// temporaryFolder makes a private folder below parent ("" is the system's own)
// with a watcher that removes it.
func temporaryFolder(parent, pattern string) (string, *watcher, error) {
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", nil, fmt.Errorf("make temporary folder: %w", err)
	}
	w, err := startWatcher(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, w, nil
}
