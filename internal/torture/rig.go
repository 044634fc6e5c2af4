package torture

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/internal/devstack"
	"pointsledger/internal/rehearsal"
	"pointsledger/vendorapi/sim"
)

const (
	streamName  = "POINTS"
	durableName = "points-worker"
	// patience bounds each start of a server, a build, and a statement.
	patience = 2 * time.Minute
	// pollEvery is how often a condition is looked at.
	pollEvery = 50 * time.Millisecond
)

// rig is the real servers of a run. Workers and the publisher reach them
// through proxies; the judge reaches them directly.
type rig struct {
	options  Options
	dir      string
	worker   string // the worker program
	broker   string // the nats-server program
	postgres *devstack.Postgres
	database string
	pool     *pgxpool.Pool
	nats     *devstack.Process
	natsPort int
	// natsPassword keeps the clients of this run from another broker that took
	// the port while ours was away.
	natsPassword string
	conn         *nats.Conn
	js           jetstream.JetStream
	sim          *devstack.Process
	simURL       string
	client       *http.Client
	// One proxy in front of each server.
	toNATS, toPostgres, toVendors *proxy
	config                        string // path of the workers' configuration
}

// build makes the programs of the run.
func (r *rig) build(ctx context.Context) error {
	r.worker, r.broker = filepath.Join(r.dir, "worker"), filepath.Join(r.dir, "nats-server")
	tags := "worker"
	if r.options.Sabotage != "" {
		tags = "sabotage"
	}
	for _, target := range []struct{ output, tags, path string }{
		{r.worker, tags, "pointsledger/cmd/worker"},
		{r.broker, "", "github.com/nats-io/nats-server/v2"},
	} {
		args := []string{"build", "-o", target.output}
		if target.tags == "sabotage" {
			args = append(args, "-tags", target.tags)
		}
		if out, err := exec.CommandContext(ctx, "go", append(args, target.path)...).CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", target.path, err, out)
		}
	}
	return nil
}

// start brings up the servers, the schema, the watch on moves and the simulator.
func (r *rig) start(ctx context.Context) error {
	r.client = &http.Client{Timeout: 30 * time.Second}
	for _, step := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"Postgres", r.startPostgres}, {"NATS", r.startFirstNATS}, {"the simulator", r.startSimulator},
		{"the schema", r.migrate}, {"the watch on moves", r.watchMoves}, {"the workers' configuration", r.writeConfig},
	} {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("start %s: %w", step.what, err)
		}
	}
	var err error
	if r.toNATS, err = newProxy(r.natsAddress()); err != nil {
		return err
	}
	dsn, err := url.Parse(r.database)
	if err != nil {
		return fmt.Errorf("read database url: %w", err)
	}
	r.toPostgres, err = newProxy(dsn.Host)
	return err
}

func (r *rig) startPostgres(ctx context.Context) error {
	var err error
	if r.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresConfig{Fsync: true}); err != nil {
		return err
	}
	if r.database, err = r.postgres.CreateDatabase(ctx, "torture"); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(r.database)
	if err != nil {
		return fmt.Errorf("read database url: %w", err)
	}
	config.MaxConns = 4
	config.ConnConfig.RuntimeParams["application_name"] = "torture"
	r.pool, err = pgxpool.NewWithConfig(ctx, config)
	return err
}

func (r *rig) natsAddress() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.natsPort))
}

// natsUser is whom the run's clients are to the broker.
const natsUser = "torture"

// natsURL leads to the broker, by way of the given address.
func (r *rig) natsURL(address string) string {
	return (&url.URL{Scheme: "nats", Host: address, User: url.UserPassword(natsUser, r.natsPassword)}).String()
}

func (r *rig) startFirstNATS(ctx context.Context) error {
	var err error
	if r.natsPort, err = devstack.FreePort(); err != nil {
		return err
	}
	r.natsPassword = rand.Text()
	text := fmt.Sprintf("listen: %q\nauthorization {\n  user: %q\n  password: %q\n}\njetstream {\n  store_dir: %q\n  sync_interval: always\n}\n",
		r.natsAddress(), natsUser, r.natsPassword, filepath.Join(r.dir, "jetstream"))
	if err := os.WriteFile(filepath.Join(r.dir, "nats.conf"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write NATS configuration: %w", err)
	}
	r.conn, err = nats.Connect(r.natsURL(r.natsAddress()), nats.Name("torture"), nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.IgnoreAuthErrorAbort())
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	if r.js, err = jetstream.New(r.conn); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	return r.startNATS(ctx)
}

// startNATS starts the broker on its data and waits until JetStream answers. A
// broker that ends at once, because its port is taken, is started again.
func (r *rig) startNATS(ctx context.Context) error {
	if err := r.launchNATS(); err != nil {
		return err
	}
	var failed error
	err := until(ctx, patience, "JetStream to answer", func(ctx context.Context) bool {
		if !alive(r.nats) {
			failed = r.launchNATS()
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := r.js.AccountInfo(ctx)
		return failed != nil || err == nil
	})
	return errors.Join(failed, err)
}

func (r *rig) launchNATS() error {
	log, err := r.logFile("nats.log")
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(r.broker, "-c", filepath.Join(r.dir, "nats.conf"))
	cmd.Stdout, cmd.Stderr = log, log
	if r.nats, err = devstack.StartProcess(cmd); err != nil {
		return fmt.Errorf("start nats-server: %w", err)
	}
	return nil
}

func (r *rig) startSimulator(ctx context.Context) error {
	port, err := devstack.FreePort()
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	r.simURL = "http://" + address
	if r.toVendors, err = newProxy(address); err != nil {
		return err
	}
	log, err := r.logFile("simulator.log")
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(r.worker, "simulate", "--addr", address, "--faults", "heavy", "--latency", "2ms",
		"--frozen-suffix", "000", "--takes-back", "--seed", strconv.FormatUint(r.options.Seed, 10))
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, []string{"PATH=" + os.Getenv("PATH")}
	if r.sim, err = devstack.StartProcess(cmd); err != nil {
		return fmt.Errorf("start simulator: %w", err)
	}
	err = until(ctx, patience, "the simulator to answer", func(ctx context.Context) bool {
		return r.control(ctx, http.MethodGet, "/_sim/healthz", nil, nil) == nil
	})
	if err != nil {
		return err
	}
	return r.setVendors(ctx, map[string]any{"zhimai": map[string]any{"dedup": r.options.Dedup, "echo_reason": r.options.Echo,
		"records_lag_ms": r.options.Lag.Milliseconds(),
		// A record made while reasons are hidden stays without, and each text begins
		// with that of the member's record before.
		"echo_per_record": true, "records_quote_previous": true}})
}

// setVendors changes the simulator while it runs.
func (r *rig) setVendors(ctx context.Context, change map[string]any) error {
	return r.control(ctx, http.MethodPut, "/_sim/config", change, nil)
}

// control makes a call under /_sim/.
func (r *rig) control(ctx context.Context, method, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write simulator call: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.simURL+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("make simulator call: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("call simulator: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
		words, _ := io.ReadAll(io.LimitReader(response.Body, 500)) // the status says enough
		return fmt.Errorf("call simulator %s: status %d: %s", path, response.StatusCode, words)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("read simulator's answer: %w", err)
	}
	return nil
}

func (r *rig) migrate(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, r.worker, "migrate", "up")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "DATABASE_URL=" + r.database}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (r *rig) writeConfig(ctx context.Context) error {
	builtIn, err := exec.CommandContext(ctx, r.worker, "config", "--default").Output()
	if err != nil {
		return fmt.Errorf("read the built-in one: %w", err)
	}
	text, err := rehearsal.Config(string(builtIn), "http://"+r.toVendors.address())
	if err != nil {
		return err
	}
	if text, err = workerConfig(text, r.options); err != nil {
		return err
	}
	r.config = filepath.Join(r.dir, "worker.yaml")
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write it: %w", err)
	}
	return nil
}

// workerEnvironment is that of a worker process; its name stands in the
// database as the application's, where its moves are seen.
func (r *rig) workerEnvironment(name string) ([]string, error) {
	dsn, err := url.Parse(r.database)
	if err != nil {
		return nil, fmt.Errorf("read database url: %w", err)
	}
	dsn.Host = r.toPostgres.address()
	query := dsn.Query()
	query.Set("application_name", name)
	dsn.RawQuery = query.Encode()
	vendors := "http://" + r.toVendors.address()
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "DATABASE_URL=" + dsn.String(),
		"NATS_URL=" + r.natsURL(r.toNATS.address()), "NATS_STREAM=" + streamName, "NATS_DURABLE=" + durableName,
		"ZHIMAI_URL=" + vendors + "/api/v2", "ZHIMAI_OPEN_ID=" + sim.DefaultOpenID, "ZHIMAI_GRANT_CODE=" + sim.DefaultGrantCode,
		"ZHIMAI_OPEN_KEY=" + sim.DefaultOpenKey, "KYLIN_URL=" + vendors, "WORKER_CONFIG=" + r.config, "ZHIMAI_RATE=0",
		"WORKER_HTTP_ADDR=127.0.0.1:0", "WORKER_BATCH=200", "WORKER_BATCH_TIME=3s", "WORKER_ACK_WAIT=6s", "WORKER_DRAIN=5s",
		"SABOTAGE_BREAK=" + r.options.Sabotage}, nil
}

func (r *rig) logFile(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return f, nil
}

// stop ends all servers. It may be called at any point of a start.
func (r *rig) stop() error {
	for _, p := range []*proxy{r.toNATS, r.toPostgres, r.toVendors} {
		if p != nil {
			p.stop()
		}
	}
	if r.conn != nil {
		r.conn.Close()
	}
	if r.pool != nil {
		r.pool.Close()
	}
	for _, p := range []*devstack.Process{r.nats, r.sim} {
		if p != nil {
			p.Stop(5*time.Second, syscall.SIGKILL)
		}
	}
	if r.postgres == nil {
		return nil
	}
	return r.postgres.Stop()
}

// until waits for a condition, at most so long.
func until(ctx context.Context, most time.Duration, what string, ok func(context.Context) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("waited %v for %s", most, what))
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
}

// pause lets time pass that is itself the harm: how long a fault lasts.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
