package stage

import (
	"os"
	"os/exec"
	"testing"
)

// busy uses a tenth of a second of CPU time and more.
const busy = `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done`

func TestCPUCountsChildrenThatHaveEnded(t *testing.T) {
	before, err := treeCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", busy)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	after, err := treeCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	used := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if got := after - before; got < used-0.03 || got > used+1 {
		t.Errorf("counted %.2f s for a child that used %.2f s", got, used)
	}
}

func TestCPUOfNobody(t *testing.T) {
	if _, err := processCPU(1 << 30); err == nil {
		t.Error("no error for a process that does not exist")
	}
}

func TestMemoryOfAChild(t *testing.T) {
	c, line, err := startTalking(exec.Command("/bin/sh", "-c", "echo here; cat"), t.TempDir()+"/log")
	if err != nil {
		t.Fatal(err)
	}
	now, peak, err := c.Memory()
	if line != "here" || err != nil || now <= 0 || peak < now || peak > 100 {
		t.Errorf("said %q, memory %.1f MiB, at its peak %.1f MiB, %v", line, now, peak, err)
	}
	c.end()
	if !c.Ended() {
		t.Error("it has not ended with its input")
	}
	if _, _, err := c.Memory(); err == nil {
		t.Error("no error for the memory of a process that has ended")
	}
}

func TestServerThatSaysNothing(t *testing.T) {
	if _, _, err := startTalking(exec.Command("/bin/sh", "-c", "echo trouble >&2; exit 1"), t.TempDir()+"/log"); err == nil {
		t.Error("no error")
	}
}

func TestFolderIsRemoved(t *testing.T) {
	f, err := NewFolder("points-ledger-bench-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path+"/file", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.Path); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", f.Path, err)
	}
}
