//go:build !noembed && unix

package devstack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dataFolder is where one cluster lives:
//
//	<base>/data       the cluster
//	<base>/data.new   a cluster that initdb has not finished; never used
//	<base>/password   the superuser's password, mode 0600
type dataFolder struct {
	base string
	// temporary folders are removed by the watcher.
	temporary bool
	// user runs initdb and postgres; nil means the user of this process.
	user *syscall.Credential
}

func (f *dataFolder) data() string         { return filepath.Join(f.base, "data") }
func (f *dataFolder) unfinished() string   { return filepath.Join(f.base, "data.new") }
func (f *dataFolder) passwordFile() string { return filepath.Join(f.base, "password") }

// openFolder makes or finds the folder and starts its watcher. As root it picks
// the user that Postgres will run as, because Postgres refuses to run as root.
func openFolder(dir string) (*dataFolder, *watcher, error) {
	owner, err := serverUser(dir)
	if err != nil {
		return nil, nil, err
	}
	f := &dataFolder{base: dir, temporary: dir == "", user: owner}
	var w *watcher
	if f.temporary {
		parent, err := f.temporaryParent()
		if err != nil {
			return nil, nil, err
		}
		if f.base, w, err = temporaryFolder(parent, "points-ledger-pg-"); err != nil {
			return nil, nil, err
		}
	} else {
		if f.base, err = filepath.Abs(dir); err != nil {
			return nil, nil, fmt.Errorf("find data folder: %w", err)
		}
		// Folders above it that are made here must let the server's user in.
		if err := os.MkdirAll(filepath.Dir(f.base), 0o755); err != nil {
			return nil, nil, fmt.Errorf("make data folder: %w", err)
		}
		if err := os.MkdirAll(f.base, 0o700); err != nil {
			return nil, nil, fmt.Errorf("make data folder: %w", err)
		}
		if w, err = startWatcher(""); err != nil {
			return nil, nil, err
		}
	}
	if err := f.handOver(); err != nil {
		w.finish()
		return nil, nil, err
	}
	return f, w, nil
}

// serverUser is nil unless we are root. A cluster that is there already keeps
// its owner; a new one belongs to postgres, or else to nobody.
func serverUser(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if dir != "" {
		var st syscall.Stat_t
		if err := syscall.Stat(filepath.Join(dir, "data"), &st); err == nil && st.Uid != 0 {
			return &syscall.Credential{Uid: st.Uid, Gid: st.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("start postgres as root: this machine has neither a user postgres nor a user nobody to run it as; start as an ordinary user")
}

// temporaryParent is the first of the usual temporary folders that the server's
// user can enter.
func (f *dataFolder) temporaryParent() (string, error) {
	var first error
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		err := f.canEnter(parent)
		if err == nil {
			return parent, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// handOver gives a new folder to the server's user and checks that this user
// can reach it. A folder that holds anything else keeps its owner.
func (f *dataFolder) handOver() error {
	if f.user == nil {
		return nil
	}
	entries, err := os.ReadDir(f.base)
	if err != nil {
		return fmt.Errorf("read data folder: %w", err)
	}
	if len(entries) == 0 {
		if err := f.give(f.base); err != nil {
			return err
		}
	}
	return f.canEnter(f.base)
}

func (f *dataFolder) give(path string) error {
	if f.user == nil {
		return nil
	}
	if err := os.Chown(path, int(f.user.Uid), int(f.user.Gid)); err != nil {
		return fmt.Errorf("hand data folder to uid %d: %w", f.user.Uid, err)
	}
	return nil
}

// canEnter tries it as the server's user, and names the first folder on the way
// that is closed to it.
func (f *dataFolder) canEnter(dir string) error {
	if f.user == nil || f.tryEnter(dir) == nil {
		return nil
	}
	closed := dir
	for parent := filepath.Dir(closed); f.tryEnter(parent) != nil; parent = filepath.Dir(closed) {
		closed = parent
		if parent == filepath.Dir(parent) {
			break
		}
	}
	return fmt.Errorf("enter data folder %s as uid %d: %[3]s is closed to it: run chmod o+x %[3]s, or choose another --data", dir, f.user.Uid, closed)
}

func (f *dataFolder) tryEnter(dir string) error {
	cmd := exec.Command("/bin/sh", "-c", `cd -- "$1"`, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: f.user}
	return cmd.Run()
}

// clusterVersion is the major version of the cluster in the folder, 0 when
// there is none yet.
func (f *dataFolder) clusterVersion() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(f.data()); statErr == nil {
			return 0, fmt.Errorf("read cluster version: %s is not a Postgres cluster", f.data())
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cluster version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read cluster version: %w", err)
	}
	return major, nil
}

// password reads the cluster's password.
func (f *dataFolder) password() (string, error) {
	text, err := os.ReadFile(f.passwordFile())
	if err != nil {
		return "", fmt.Errorf("read cluster password: %w", err)
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fmt.Errorf("read cluster password: %s is empty", f.passwordFile())
	}
	return password, nil
}

// newPassword makes a password and keeps it beside the cluster, readable by the
// server's user only.
func (f *dataFolder) newPassword() error {
	password := rand.Text()
	if err := os.Remove(f.passwordFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace cluster password: %w", err)
	}
	if err := os.WriteFile(f.passwordFile(), []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep cluster password: %w", err)
	}
	return f.give(f.passwordFile())
}

// sync makes the names in the folder last through a power cut.
func (f *dataFolder) sync() error {
	dir, err := os.Open(f.base)
	if err != nil {
		return fmt.Errorf("sync data folder: %w", err)
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync data folder: %w", err)
	}
	return nil
}
