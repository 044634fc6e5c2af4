package stage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Folder is a temporary folder that a small shell process removes when this
// process ends, in whatever way.
type Folder struct {
	Path  string
	pipe  io.Closer
	shell *exec.Cmd
}

// removeScript waits for the end of its input.
const removeScript = `trap '' INT TERM HUP QUIT; cat >/dev/null; rm -rf -- "$1"`

// NewFolder makes one.
func NewFolder(pattern string) (*Folder, error) {
	path, err := os.MkdirTemp("", pattern)
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	f := &Folder{Path: path, shell: exec.Command("/bin/sh", "-c", removeScript, "bench-folder", path)}
	f.shell.Dir, f.shell.SysProcAttr = "/", &syscall.SysProcAttr{Setsid: true}
	if f.pipe, err = f.shell.StdinPipe(); err == nil {
		err = f.shell.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch temporary folder: %w", err), os.RemoveAll(path))
	}
	return f, nil
}

// Remove removes it with all that is in it.
func (f *Folder) Remove() error {
	_ = f.pipe.Close() // there is nothing to flush
	if err := f.shell.Wait(); err != nil {
		return fmt.Errorf("remove temporary folder: %w", err)
	}
	return nil
}
