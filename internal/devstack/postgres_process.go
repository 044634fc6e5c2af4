//go:build !noembed && unix

package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// createCluster runs initdb aside and renames the result, so that an
// interrupted one is never mistaken for a cluster.
func (p *Postgres) createCluster(ctx context.Context, fsync bool) error {
	f := p.folder
	if err := os.RemoveAll(f.unfinished()); err != nil {
		return fmt.Errorf("remove unfinished cluster: %w", err)
	}
	if err := os.Mkdir(f.unfinished(), 0o700); err != nil {
		return fmt.Errorf("make cluster folder: %w", err)
	}
	if err := f.give(f.unfinished()); err != nil {
		return err
	}
	if err := f.newPassword(); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + f.unfinished(), "--username=" + superuser, "--pwfile=" + f.passwordFile(),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if !fsync {
		args = append(args, "--no-sync")
	}
	initdb, err := startChild(p.command("initdb", args...), f.user, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("start initdb: %w", err)
	}
	p.watch.tell("group", initdb.pid)
	defer p.watch.tell("gone", 0)
	select {
	case <-initdb.done:
	case <-ctx.Done():
		// The whole group: initdb runs a postgres of its own.
		_ = syscall.Kill(-initdb.pid, syscall.SIGKILL)
		<-initdb.done
		return fmt.Errorf("create cluster: %w", context.Cause(ctx))
	}
	if initdb.err != nil {
		return fmt.Errorf("create cluster: initdb: %w: %s", initdb.err, p.log.last())
	}
	if err := os.Rename(f.unfinished(), f.data()); err != nil {
		return fmt.Errorf("keep new cluster: %w", err)
	}
	if !fsync {
		return nil
	}
	return f.sync()
}

// launch starts the server in the foreground, as our child. The settings suit a
// small machine; there is no socket file, so the length of the path does not
// matter.
func (p *Postgres) launch(fsync bool) error {
	onOff := "off"
	if fsync {
		onOff = "on"
	}
	args := []string{"-D", p.folder.data()}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=",
		"max_connections=100",
		"shared_buffers=128MB",
		"synchronous_commit=on",
		"fsync=" + onOff,
		"full_page_writes=" + onOff,
		"logging_collector=off",
		"log_destination=stderr",
	} {
		args = append(args, "-c", setting)
	}
	// On our death the kernel asks for an immediate stop, as the watcher does.
	server, err := startChild(p.command("postgres", args...), p.folder.user, syscall.SIGQUIT)
	if err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	p.server = server
	p.watch.tell("server", server.pid)
	return nil
}

// command prepares a server program: in a folder that its user can enter, with
// English messages, and without settings from the environment.
func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(p.programs.path(name), args...)
	cmd.Dir = p.folder.base
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "PG") || strings.HasPrefix(pair, "LC_") || strings.HasPrefix(pair, "LANG")
	})
	cmd.Env = append(cmd.Env, "LC_ALL=C", "HOME="+p.folder.base)
	cmd.Stdout = p.log
	cmd.Stderr = p.log
	return cmd
}

// releasePatience is how long a server of an earlier process may take to end:
// its watcher has just told it to.
const releasePatience = 15 * time.Second

// waitUntilFree waits for an earlier server of this folder to end. It leaves
// the lock file of a dead server alone, Postgres copes with that; but when the
// system has given the dead server's process id to some other program, Postgres
// would refuse to start, so the file is removed. waiting, unless nil, is told once
// of the server that holds us up.
func (f *dataFolder) waitUntilFree(ctx context.Context, waiting func(pid int)) error {
	ctx, cancel := context.WithTimeout(ctx, releasePatience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		pid, err := f.lockHolder()
		if err != nil {
			return err
		}
		if pid == 0 || syscall.Kill(pid, 0) == syscall.ESRCH {
			return nil
		}
		if !isPostgres(pid) {
			if err := os.Remove(filepath.Join(f.data(), "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove stale lock file: %w", err)
			}
			return nil
		}
		if waiting != nil {
			waiting(pid)
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("start postgres: process %d already serves %s; stop it or choose another folder", pid, f.data())
		case <-ticker.C:
		}
	}
}

// lockHolder is the process id in the cluster's lock file, 0 when there is no
// such file.
func (f *dataFolder) lockHolder() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read lock file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 0 {
		// Cut short by a crash; Postgres knows what to do with it.
		return 0, nil
	}
	return pid, nil
}

// isPostgres says whether a live process is a Postgres server; a zombie has no
// arguments and is none. When ps cannot tell, it is taken for one: to wait and
// refuse is the safe side.
func isPostgres(pid int) bool {
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		return bytes.Contains(line, []byte("postgres"))
	}
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || bytes.Contains(out, []byte("postgres"))
}

// tailBytes is how much of the server's log an error repeats.
const tailBytes = 2000

// logTail passes the server's log on and keeps its end for error texts.
type logTail struct {
	mu  sync.Mutex
	out io.Writer
	end []byte
}

func (t *logTail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	if len(t.end) > tailBytes {
		t.end = slices.Clone(t.end[len(t.end)-tailBytes:])
	}
	if t.out != nil {
		// A log that cannot be written must not stop the server's own writes.
		_, _ = t.out.Write(b)
	}
	return len(b), nil
}

func (t *logTail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.end))
}
