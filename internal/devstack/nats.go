//go:build !noembed && unix

package devstack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsStartTimeout bounds the start, recovery of the stored streams included.
const natsStartTimeout = 60 * time.Second

// NATS is a NATS server with JetStream in this process.
type NATS struct {
	server *server.Server
	lock   *os.File
	folder string
	// watch is nil when the store is kept.
	watch *watcher
	once  sync.Once
}

// StartNATS starts a NATS server with JetStream on file storage. Every message
// is synced to disk before the publisher hears of it. The maximal message size
// is the server's default, 1 MiB. It handles no signals: call Stop.
func StartNATS(cfg NATSConfig) (_ *NATS, err error) {
	n := &NATS{folder: cfg.Dir}
	defer func() {
		if err != nil {
			_ = n.Stop()
		}
	}()
	if cfg.Dir == "" {
		n.folder, n.watch, err = temporaryFolder("", "points-ledger-nats-")
		if err != nil {
			return nil, err
		}
	} else if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make NATS folder: %w", err)
	}
	if n.lock, err = lockFolder(n.folder); err != nil {
		return nil, err
	}
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	n.server, err = server.NewServer(&server.Options{
		ServerName: "points-ledger-embedded",
		Host:       "127.0.0.1",
		Port:       port,
		JetStream:  true,
		StoreDir:   n.folder,
		SyncAlways: true,
		NoSigs:     true,
		NoLog:      cfg.Log == nil,
	})
	if err != nil {
		return nil, fmt.Errorf("configure NATS server: %w", err)
	}
	keeper := &natsLog{out: cfg.Log, fatal: make(chan struct{})}
	n.server.SetLoggerV2(keeper, false, false, false)
	n.server.Start()
	if err := waitForNATS(n.server, keeper); err != nil {
		if cfg.Port != 0 && portTaken(cfg.Port) {
			err = fmt.Errorf("%w: %w", ErrPortTaken, err)
		}
		return nil, fmt.Errorf("start NATS server on 127.0.0.1 port %d: %w", cfg.Port, err)
	}
	return n, nil
}

// waitForNATS returns when clients can connect, or with the server's own words
// when it gave up: the library tells of a taken port only in its log.
func waitForNATS(s *server.Server, keeper *natsLog) error {
	ready := make(chan bool, 1)
	go func() { ready <- s.ReadyForConnections(natsStartTimeout) }()
	select {
	case <-keeper.fatal:
		return keeper.reason()
	case ok := <-ready:
		if !ok || !s.JetStreamEnabled() {
			return keeper.reason()
		}
		return nil
	}
}

// URL is where clients connect.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Stop ends the server, waits for it, and removes a temporary store. Further
// calls do nothing.
func (n *NATS) Stop() error {
	var err error
	n.once.Do(func() {
		if n.server != nil {
			n.server.Shutdown()
			n.server.WaitForShutdown()
		}
		if n.lock != nil {
			_ = n.lock.Close()
		}
		if n.watch != nil {
			n.watch.finish()
			if e := os.RemoveAll(n.folder); e != nil {
				err = fmt.Errorf("remove NATS folder: %w", e)
			}
		}
	})
	return err
}

// lockFolder keeps a second server out of a store: two of them would ruin it.
// The lock ends with this process, however it ends.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "points-ledger.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock NATS folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock NATS folder %s: another process uses it: %w", dir, err)
	}
	return f, nil
}

// natsLog writes the server's log and keeps its last complaint, which is the
// only place where the server says why it did not start.
type natsLog struct {
	mu   sync.Mutex
	out  io.Writer
	last string
	// fatal is closed when the server says that it cannot go on.
	fatal chan struct{}
	once  sync.Once
}

func (l *natsLog) write(level, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != nil {
		_, _ = fmt.Fprintf(l.out, "nats-server "+level+" "+format+"\n", args...)
	}
}

func (l *natsLog) complain(level, format string, args ...any) {
	l.mu.Lock()
	l.last = fmt.Sprintf(format, args...)
	l.mu.Unlock()
	l.write(level, format, args...)
}

func (l *natsLog) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return errors.New("it was not ready in time")
	}
	return errors.New(l.last)
}

func (l *natsLog) Noticef(format string, v ...any) { l.write("info", format, v...) }
func (l *natsLog) Warnf(format string, v ...any)   { l.write("warn", format, v...) }
func (l *natsLog) Debugf(format string, v ...any)  { l.write("debug", format, v...) }
func (l *natsLog) Tracef(format string, v ...any)  { l.write("trace", format, v...) }
func (l *natsLog) Errorf(format string, v ...any)  { l.complain("error", format, v...) }
func (l *natsLog) Fatalf(format string, v ...any) {
	l.complain("fatal", format, v...)
	l.once.Do(func() { close(l.fatal) })
}
