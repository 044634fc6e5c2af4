// Package broker connects a command to NATS as the configuration says.
package broker

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"pointsledger/internal/config"
)

// Dial connects once, under a name that the broker shows: a person who waits wants
// to hear at once that there is no broker.
func Dial(cfg *config.Config, name string) (*nats.Conn, error) {
	options := []nats.Option{nats.Name(name)}
	if cfg.NATS.CredsFile != "" {
		options = append(options, nats.UserCredentials(cfg.NATS.CredsFile))
	}
	conn, err := nats.Connect(cfg.NATS.URL.Reveal(), options...)
	if errors.Is(err, nats.ErrNoServers) {
		// The library's word for a refused connection.
		return nil, fmt.Errorf("cannot reach NATS at %s: connection refused (NATS_URL)", cfg.NATS.URL)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot reach NATS at %s (NATS_URL): %w", cfg.NATS.URL, err)
	}
	return conn, nil
}
