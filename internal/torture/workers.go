package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"pointsledger/internal/devstack"
)

// stopPatience is how long a worker that was asked to end may take: its drain
// time, the time to settle, and a loaded machine.
const stopPatience = 40 * time.Second

// workers runs the worker processes as a supervisor would: one that ended by
// itself is started again. Safe for concurrent use.
type workers struct {
	rig   *rig
	group sync.WaitGroup

	mu    sync.Mutex
	slots [maxWorkers]slot
	// started counts processes; byThemselves are those that ended unasked.
	started      int
	byThemselves []string
	hung         []string
}

// slot is the place of one worker process.
type slot struct {
	process *devstack.Process
	name    string
	config  string // path of its configuration
	wanted  bool
	// expected: the end of the process is our doing.
	expected bool
	paused   bool
	// busy: a fault has the slot in hand.
	busy bool
}

// launch starts a process in a slot and watches it. The lock is held.
func (w *workers) launch(ctx context.Context, at int) error {
	if ctx.Err() != nil {
		return nil
	}
	s := &w.slots[at]
	w.started++
	s.name = fmt.Sprintf("worker-%d.%d", at+1, w.started)
	environment, err := w.rig.workerEnvironment(s.name)
	if err != nil {
		return err
	}
	log, err := w.rig.logFile(s.name + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(w.rig.worker, "run")
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, log, log
	process, err := devstack.StartProcess(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.process, s.config, s.wanted, s.expected, s.paused = process, w.rig.config, true, false, false
	name := s.name
	w.group.Go(func() { w.watch(ctx, at, process, name) })
	return nil
}

// watch waits for the end of a process and starts the next one if the slot is
// still wanted.
func (w *workers) watch(ctx context.Context, at int, process *devstack.Process, name string) {
	<-process.Done()
	w.mu.Lock()
	expected := w.slots[at].expected || ctx.Err() != nil
	if !expected {
		w.byThemselves = append(w.byThemselves, name+": "+w.lastWords(name))
	}
	w.mu.Unlock()
	if !expected {
		pause(ctx, 500*time.Millisecond) // as a supervisor does
	}
	for w.relaunch(ctx, at, process) != nil {
		pause(ctx, 500*time.Millisecond) // the machine may be out of processes or files for a moment
	}
}

// relaunch starts the next process of a slot, unless somebody has, or the slot
// is not wanted any more.
func (w *workers) relaunch(ctx context.Context, at int, ended *devstack.Process) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slots[at].process != ended || !w.slots[at].wanted {
		return nil
	}
	err := w.launch(ctx, at)
	if err != nil {
		w.byThemselves = append(w.byThemselves, err.Error())
	}
	return err
}

// running says how many workers run now.
func (w *workers) running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.slots {
		if s.wanted && alive(s.process) {
			n++
		}
	}
	return n
}

// set starts workers until there are n.
func (w *workers) set(ctx context.Context, n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at := range n {
		if !w.slots[at].wanted {
			if err := w.launch(ctx, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// use makes a configuration that of every process that starts from now on.
func (w *workers) use(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rig.config = path
}

// restartOlder stops the workers that run with another configuration than the
// given one, and starts them again.
func (w *workers) restartOlder(ctx context.Context, path string) error {
	for at := range w.slots {
		older := false
		err := until(ctx, patience, "a worker with older rules to be free", func(context.Context) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			s := &w.slots[at]
			older = s.wanted && s.config != path
			return !older || !s.busy && !s.paused
		})
		if err != nil {
			return err
		}
		if older {
			w.stop(at, true)
		}
	}
	return nil
}

// add starts one more worker, if there is a free place.
func (w *workers) add(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at := range w.rig.options.Workers {
		if !w.slots[at].wanted && !w.slots[at].busy {
			return w.launch(ctx, at)
		}
	}
	return nil
}

// take picks a running worker that no other fault has in hand, and waits for
// one if there is none. The caller gives it back.
func (w *workers) take(ctx context.Context, pick int) (at int, err error) {
	err = until(ctx, patience, "a worker that runs", func(context.Context) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		var free []int
		for i, s := range w.slots {
			if s.wanted && !s.paused && !s.busy && alive(s.process) {
				free = append(free, i)
			}
		}
		if len(free) == 0 {
			return false
		}
		at = free[pick%len(free)]
		w.slots[at].busy = true
		return true
	})
	return at, err
}

func (w *workers) giveBack(at int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots[at].busy = false
}

func alive(p *devstack.Process) bool {
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// name is the process name in a slot, as the database knows it.
func (w *workers) name(at int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots[at].name
}

// kill ends the process at once; the slot gets a new one.
func (w *workers) kill(at int) {
	w.mu.Lock()
	w.slots[at].expected = true
	process := w.slots[at].process
	w.mu.Unlock()
	process.Stop(stopPatience, syscall.SIGKILL)
}

// killEach ends every process at once, also one that is paused; the slots get
// new ones.
func (w *workers) killEach() {
	for at := range w.slots {
		w.mu.Lock()
		process, wanted := w.slots[at].process, w.slots[at].wanted
		w.slots[at].expected = w.slots[at].expected || wanted
		w.mu.Unlock()
		if wanted && alive(process) {
			process.Stop(stopPatience, syscall.SIGKILL)
		}
	}
}

// stop asks the process to end and waits for it. again says whether the slot
// gets a new one.
func (w *workers) stop(at int, again bool) {
	w.mu.Lock()
	s := &w.slots[at]
	s.expected, s.wanted = true, again
	process, name := s.process, s.name
	w.mu.Unlock()
	process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-process.Done():
		return
	case <-timer.C:
	}
	w.mu.Lock()
	w.hung = append(w.hung, name)
	w.mu.Unlock()
	process.Stop(stopPatience, syscall.SIGKILL)
}

// freeze stops or continues the process.
func (w *workers) freeze(at int, paused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots[at].paused = paused
	if paused {
		w.slots[at].process.Signal(syscall.SIGSTOP)
	} else {
		w.slots[at].process.Signal(syscall.SIGCONT)
	}
}

// stopAll asks all workers to end, at quiet.
func (w *workers) stopAll() {
	var all sync.WaitGroup
	for at := range w.slots {
		w.mu.Lock()
		wanted := w.slots[at].wanted
		w.mu.Unlock()
		if wanted {
			all.Go(func() { w.stop(at, false) })
		}
	}
	all.Wait()
}

// dumpAll has the workers write what each of their goroutines waits for into
// their logs, which ends them: why a run stands still is to be read there.
func (w *workers) dumpAll() {
	var all sync.WaitGroup
	for at := range w.slots {
		w.mu.Lock()
		s := &w.slots[at]
		process := s.process
		wanted := s.wanted
		s.wanted, s.expected = false, true
		w.mu.Unlock()
		if wanted {
			all.Go(func() {
				process.Signal(syscall.SIGCONT)
				process.Stop(stopPatience, syscall.SIGQUIT, syscall.SIGKILL)
			})
		}
	}
	all.Wait()
}

// killAll ends whatever still runs. The context of launch must have ended.
func (w *workers) killAll() {
	w.mu.Lock()
	for at := range w.slots {
		w.slots[at].wanted, w.slots[at].expected = false, true
		if p := w.slots[at].process; p != nil {
			p.Signal(syscall.SIGKILL)
		}
	}
	w.mu.Unlock()
	w.group.Wait()
}

// lastWords is the last line of a process's log: why it ended.
func (w *workers) lastWords(name string) string {
	text, err := os.ReadFile(filepath.Join(w.rig.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := []rune(lines[len(lines)-1])
	return string(last[:min(len(last), 300)])
}

// panics lists the processes whose log shows that Go's runtime ended them.
func (w *workers) panics() ([]string, error) {
	logs, err := filepath.Glob(filepath.Join(w.rig.dir, "worker-*.log"))
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	var found []string
	for _, path := range logs {
		text, readErr := os.ReadFile(path)
		err = errors.Join(err, readErr)
		for _, sign := range []string{"\npanic: ", "\nfatal error: ", "\nDATA RACE"} {
			if at := bytes.Index(text, []byte(sign)); at >= 0 {
				line, _, _ := bytes.Cut(text[at+1:], []byte("\n"))
				found = append(found, filepath.Base(path)+": "+string(line))
			}
		}
	}
	return found, err
}
