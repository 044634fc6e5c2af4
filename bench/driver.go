package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"pointsledger/bench/peers"
	"pointsledger/bench/report"
	"pointsledger/bench/stage"
)

// driver makes the runs of one session.
type driver struct {
	options options
	out     io.Writer
	worker  *stage.Worker
	stage   *stage.Stage
	folder  *stage.Folder
	session string
	runs    int
	// nextMember is a member that no event has had.
	nextMember int64
	profiled   bool
}

// firstMember makes ids of thirteen digits.
const firstMember = 1_000_000_000_000

func (d *driver) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// openDriver builds the worker and starts the servers. The caller closes it.
func openDriver(ctx context.Context, o options, out io.Writer) (_ *driver, err error) {
	d := &driver{options: o, out: out, nextMember: firstMember, session: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	if d.folder, err = stage.NewFolder("points-ledger-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.worker, err = stage.BuildWorker(ctx, o.root, d.folder.Path, o.worker); err != nil {
		return nil, err
	}
	if d.stage, err = stage.Start(ctx, d.folder.Path, d.worker); err != nil {
		return nil, err
	}
	version, err := d.stage.Version(ctx)
	if err != nil {
		return nil, err
	}
	d.say("%s, build %s of the worker, session %s", version, d.worker.Build, d.session)
	d.say("%s", report.Conditions)
	for _, p := range peers.All(o.atOnce) {
		d.say("  %-14s %4d at once; leaves out: %s", p.Name, p.AtOnce, p.Lacks)
	}
	return d, nil
}

// close ends the servers and removes what they left.
func (d *driver) close() error {
	var err error
	if d.stage != nil {
		err = d.stage.Stop()
	}
	return errors.Join(err, d.folder.Remove())
}

// runParts runs the parts that were asked for. With resume, those that this
// build has done already are left out.
func (d *driver) runParts(ctx context.Context, quickOnly, resume bool) error {
	before, err := report.Read(d.options.results)
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	for _, name := range d.options.only {
		asked[name] = true
	}
	for _, p := range parts() {
		if len(asked) > 0 && !asked[p.name] || len(asked) == 0 && quickOnly && !p.quick {
			continue
		}
		if resume && report.Complete(before, d.worker.Build, p.name) {
			d.say("part %s is there already for build %s", p.name, d.worker.Build)
			continue
		}
		began := time.Now()
		if err := p.run(d, ctx); err != nil {
			return fmt.Errorf("part %s: %w", p.name, err)
		}
		d.say("part %s took %.0f s", p.name, time.Since(began).Seconds())
		end := report.Record{Session: d.session, Build: d.worker.Build, At: time.Now().UTC(), Part: p.name, Done: true,
			Partial: d.options.changed, Setting: d.setting(ctx)}
		if err := report.Append(d.options.results, end); err != nil {
			return err
		}
	}
	return nil
}

// setting says on what a part ran.
func (d *driver) setting(ctx context.Context) string {
	version, err := d.stage.Version(ctx)
	if err != nil {
		version = err.Error()
	}
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, found := strings.Cut(string(info), "model name\t: "); found {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	return fmt.Sprintf("%d × %s, %s, %s", runtime.NumCPU(), model, runtime.Version(), version)
}

// startProfile begins a CPU profile of our worker, once in a session and only
// when asked for. The function that it returns waits for its end.
func (d *driver) startProfile(ctx context.Context, p *stage.Process, peer peers.Peer) (wait func()) {
	if d.options.profile == "" || d.profiled || peer.Kind != peers.Worker {
		return func() {}
	}
	d.profiled = true
	ended := make(chan error, 1)
	go func() { ended <- saveProfile(ctx, p.HTTP, d.options.profileTime, d.options.profile) }()
	return func() {
		if err := <-ended; err != nil {
			d.say("no profile: %v", err)
			return
		}
		d.say("profile written to %s", d.options.profile)
	}
}

func saveProfile(ctx context.Context, address string, long time.Duration, path string) (err error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, max(1, int(long.Seconds())))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask for profile: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask for profile: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for profile: status %d", response.StatusCode)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, response.Body); err != nil {
		return fmt.Errorf("keep profile: %w", err)
	}
	return nil
}
