//go:build !noembed && unix

package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func contextOfTheProcess() context.Context { return context.Background() }

// startChildProgram runs this test binary as the program of childMain.
func startChildProgram(t *testing.T, dir string, user *syscall.Credential) (*exec.Cmd, childReport) {
	t.Helper()
	cmd := exec.Command(openTestBinary(t))
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: user}
	cmd.Stderr = os.Stderr
	// Held open until the test ends, so that the program waits.
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("read report of the child program: %v", err)
	}
	var report childReport
	if err := json.Unmarshal(line, &report); err != nil {
		t.Fatalf("report %q: %v", line, err)
	}
	return cmd, report
}

// openTestBinary copies the test binary to a folder that every user can enter. Another
// process writes it: a file that this one holds open while a parallel test starts a program
// is open in that program too, and cannot be run.
func openTestBinary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(openDir(t), "program")
	if out, err := exec.Command("cp", self, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// openDir is a temporary folder that every user can enter; t.TempDir is closed.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "devstack-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("not in 30 s: %s", what)
		case <-tick.C:
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// running does not count a zombie that nobody reaps.
func running(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return false
	}
	return isPostgres(pid)
}

func TestNothingIsLeftAfterKill(t *testing.T) {
	t.Parallel()
	cases := map[string]*syscall.Credential{"as this user": nil}
	if os.Geteuid() == 0 {
		cases["as nobody"] = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	for name, user := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, report := startChildProgram(t, "temporary", user)
			for _, folder := range report.Folders {
				if !exists(folder) {
					t.Fatalf("%s is not there while the program runs", folder)
				}
			}
			if !running(report.PostgresPID) {
				t.Fatalf("process %d is not a Postgres", report.PostgresPID)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "postgres is gone", func() bool { return !running(report.PostgresPID) })
			for _, folder := range report.Folders {
				eventually(t, folder+" is removed", func() bool { return !exists(folder) })
			}
		})
	}
}

// A Ctrl-C in a terminal goes to the whole foreground process group.
func TestInterruptOfTheGroupLeavesTheServers(t *testing.T) {
	t.Parallel()
	cmd, report := startChildProgram(t, "temporary", nil)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	// A fast shutdown refuses connections at once, so a few answers in a row
	// are proof enough.
	for range 10 {
		conn, err := pgx.Connect(t.Context(), report.DSN)
		if err != nil {
			t.Fatalf("after SIGINT to the group: %v", err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watcher survived the SIGINT and removed the folder", func() bool { return !exists(report.Folders[0]) })
}

func TestKeptFolderOpensRightAfterKill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	cmd, report := startChildProgram(t, dir, nil)
	conn, err := pgx.Connect(t.Context(), report.DSN)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	pg := startPostgres(t, PostgresConfig{Dir: dir})
	if got := queryText(t, pg.DSN("postgres"), "SELECT n::text FROM kept"); got != "7" {
		t.Errorf("kept table holds %q, want 7", got)
	}
	if strings.Contains(report.DSN, pg.password) == false {
		t.Error("the password changed over the restart")
	}
}
