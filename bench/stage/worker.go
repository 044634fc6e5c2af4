package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Worker is the program under test.
type Worker struct {
	path string
	// Build names the program: the beginning of its SHA-256.
	Build string
	// rules is the built-in configuration without its accounts.
	rules string
}

// BuildWorker builds the worker of the repository at root, as it is shipped
// but with its symbols, into dir. A program that is given is taken instead.
func BuildWorker(ctx context.Context, root, dir, given string) (*Worker, error) {
	w := &Worker{path: given}
	if given == "" {
		w.path = filepath.Join(dir, "worker")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "noembed", "-o", w.path, "./cmd/worker")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build worker: %w: %s", err, out)
		}
	}
	program, err := os.ReadFile(w.path)
	if err != nil {
		return nil, fmt.Errorf("read worker: %w", err)
	}
	sum := sha256.Sum256(program)
	w.Build = hex.EncodeToString(sum[:])[:12]
	builtIn, err := exec.CommandContext(ctx, w.path, "config", "--default").Output()
	if err != nil {
		return nil, fmt.Errorf("read the worker's built-in configuration: %w", err)
	}
	rules, _, found := strings.Cut(string(builtIn), "\nvendors:\n")
	if !found {
		return nil, fmt.Errorf("read the worker's built-in configuration: no vendors in it")
	}
	w.rules = rules
	return w, nil
}

func (w *Worker) migrate(ctx context.Context, dsn string) error {
	cmd := exec.CommandContext(ctx, w.path, "migrate", "up")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + dsn}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %s", err, out)
	}
	return nil
}

// Settings are the worker's for one run; what is zero stays at its default.
type Settings struct {
	// AtOnce is the calls at once for each vendor.
	AtOnce int
	// Timeout of a call, and VerifyAfter; 0 is the default.
	Timeout, VerifyAfter time.Duration
	// Kylin switches the second account on, at this address.
	Kylin string
	// Rate is the most points calls a second, 0 is no cap; BulkReviews sends reviews
	// in the bulk lane.
	Rate        int
	BulkReviews bool
	// Extra is further environment, "NAME=value".
	Extra []string
}

// file is the worker's configuration: the built-in rules, and both accounts.
func (w *Worker) file(s Settings) string {
	var b strings.Builder
	rules := w.rules
	if s.BulkReviews {
		const review = "      - type: review.posted\n"
		rules = strings.Replace(rules, review, review+"        lane: bulk\n", 1)
	}
	b.WriteString(rules + "\nvendors:\n")
	for _, name := range []string{"zhimai", "kylin"} {
		fmt.Fprintf(&b, "  - name: %s\n    kind: %s\n    concurrency: %d\n", name, name, s.AtOnce)
		if s.Timeout > 0 {
			fmt.Fprintf(&b, "    timeout: %s\n    connect_timeout: %s\n", s.Timeout, min(s.Timeout, time.Second))
		}
		if s.VerifyAfter > 0 && name == "zhimai" {
			fmt.Fprintf(&b, "    verify_after: %s\n", s.VerifyAfter)
		}
		if s.Rate > 0 && name == "zhimai" {
			fmt.Fprintf(&b, "    rates: {points_add: %[1]d, records: %[1]d, member: %[1]d}\n", s.Rate)
		}
		if name == "zhimai" {
			b.WriteString("    keys: honoured\n") // the sink remembers every key
		}
	}
	return b.String()
}

// WorkerProcess starts number n of the workers on a database.
func (s *Stage) WorkerProcess(n int, d *Database, settings Settings) (*Process, error) {
	name := "worker-" + strconv.Itoa(n)
	config := filepath.Join(s.dir, name+".yaml")
	if err := os.WriteFile(config, []byte(s.worker.file(settings)), 0o600); err != nil {
		return nil, fmt.Errorf("write the worker's configuration: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dsn, err := named(d.dsn, name)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	cmd := exec.Command(s.worker.path, "run")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "DATABASE_URL=" + dsn, "NATS_URL=" + s.natsURL,
		"NATS_STREAM=" + Stream, "NATS_DURABLE=" + Durable, "ZHIMAI_URL=" + s.Sink.ZhimaiURL(), "ZHIMAI_OPEN_ID=bench",
		"ZHIMAI_GRANT_CODE=bench-grant", "ZHIMAI_OPEN_KEY=bench-key", "KYLIN_URL=" + settings.Kylin,
		"WORKER_CONFIG=" + config, "WORKER_HTTP_ADDR=" + address}, settings.Extra...)
	c, err := startChild(cmd, filepath.Join(s.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	return &Process{child: c, HTTP: address}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ClosedURL is an address at which nobody listens: a vendor that is down.
func ClosedURL() (string, error) {
	port, err := freePort()
	return "http://127.0.0.1:" + strconv.Itoa(port), err
}
