package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// FileState is what the files of a configuration held when they were read: a
// digest of each, by path. It holds no secret.
type FileState map[string][sha256.Size]byte

// Reading reads files for Load and remembers what they held. A path is read as
// it stands, so a symbolic link that was swapped, as Kubernetes swaps mounted
// secrets, counts as another content.
type Reading struct {
	readFile func(string) ([]byte, error)
	state    FileState
}

// NewReading is a Reading of real files with os.ReadFile.
func NewReading(readFile func(string) ([]byte, error)) *Reading {
	return &Reading{readFile: readFile, state: FileState{}}
}

// ReadFile is for Load.
func (r *Reading) ReadFile(path string) ([]byte, error) {
	text, err := r.readFile(path)
	r.state[path] = digest(text, err)
	return text, err
}

// State is what was read so far.
func (r *Reading) State() FileState { return r.state }

// Now reads the same files again. A file that cannot be read has a state of its
// own, too.
func (s FileState) Now(readFile func(string) ([]byte, error)) FileState {
	now := make(FileState, len(s))
	for path := range s {
		text, err := readFile(path)
		now[path] = digest(text, err)
	}
	return now
}

// With is the state with further paths of another one.
func (s FileState) With(other FileState) FileState {
	both := maps.Clone(s)
	for path, sum := range other {
		if _, there := both[path]; !there {
			both[path] = sum
		}
	}
	return both
}

// Same tells that every file of the state holds in now what it held.
func (s FileState) Same(now FileState) bool {
	for path, sum := range s {
		if now[path] != sum {
			return false
		}
	}
	return true
}

// Changed lists the paths whose content is another, sorted.
func (s FileState) Changed(now FileState) []string {
	var paths []string
	for path := range maps.Keys(now) {
		if s[path] != now[path] {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

func digest(text []byte, err error) [sha256.Size]byte {
	if err != nil {
		return sha256.Sum256([]byte("\x00cannot be read"))
	}
	return sha256.Sum256(text)
}

// Change is the difference between a configuration in force and another one.
type Change struct {
	// Rules: the rule file has another text.
	Rules bool
	// Accounts are those that are served otherwise from now on, in the order of
	// the file.
	Accounts []Account
	// Restart names what keeps its old value until the process is started anew.
	Restart []string
	// Impossible names what cannot be taken over by a running process at all: as
	// long as there is any, nothing of the change is.
	Impossible []string
}

// Empty tells that nothing is to be done.
func (c *Change) Empty() bool {
	return !c.Rules && len(c.Accounts) == 0 && len(c.Restart) == 0 && len(c.Impossible) == 0
}

// Compare says what a running process can take over of the next configuration,
// and what not. Rules, and the settings and secrets of accounts that are on, can
// be; which accounts are on cannot, because rules and accounts belong together.
func Compare(now, next *Config) Change {
	c := Change{Rules: now.RulesVersion != next.RulesVersion}
	for _, one := range []struct {
		name      string
		was, will any
	}{
		{"DATABASE_URL", now.DatabaseURL, next.DatabaseURL}, {"NATS_URL", now.NATS.URL, next.NATS.URL},
		{"NATS_CREDS", now.NATS.CredsFile, next.NATS.CredsFile}, {"NATS_STREAM", now.NATS.Stream, next.NATS.Stream},
		{"NATS_DURABLE", now.NATS.Durable, next.NATS.Durable}, {"WORKER_BATCH", now.NATS.Batch, next.NATS.Batch},
		{"WORKER_BATCHES_IN_FLIGHT", now.NATS.BatchesInFlight, next.NATS.BatchesInFlight},
		{"WORKER_ACK_WAIT", now.NATS.AckWait, next.NATS.AckWait}, {"WORKER_BATCH_TIME", now.NATS.BatchTime, next.NATS.BatchTime},
		{"WORKER_HTTP_ADDR", now.HTTPAddr, next.HTTPAddr}, {"WORKER_PPROF", now.PProf, next.PProf},
		{"WORKER_LOG_LEVEL", now.LogLevel, next.LogLevel}, {"WORKER_DRAIN", now.Drain, next.Drain},
		{"WORKER_SEAL_EVERY", now.SealEvery, next.SealEvery},
	} {
		if !reflect.DeepEqual(one.was, one.will) {
			c.Restart = append(c.Restart, one.name)
		}
	}
	for _, v := range next.Accounts {
		before, there := now.Account(v.Name)
		switch was := there && before.On(); {
		case was && !v.On():
			c.Impossible = append(c.Impossible, fmt.Sprintf("account %s is on here and would be off: %s", v.Name, v.OffBecause()))
		case !was && v.On():
			c.Impossible = append(c.Impossible, fmt.Sprintf("account %s is new here, or was off", v.Name))
		case was && before.Kind != v.Kind:
			c.Impossible = append(c.Impossible, fmt.Sprintf("account %s is of kind %s and would be of kind %s", v.Name, before.Kind, v.Kind))
		case was && !reflect.DeepEqual(before, v):
			c.Accounts = append(c.Accounts, v)
		}
	}
	for _, v := range now.Accounts {
		if _, there := next.Account(v.Name); !there && v.On() {
			c.Impossible = append(c.Impossible, fmt.Sprintf("account %s is on here and would be gone", v.Name))
		}
	}
	return c
}
