package wire

import (
	"errors"
	"fmt"
	"time"

	"pointsledger/vendorapi"
)

func withDefaults(c vendorapi.HTTPConfig) vendorapi.HTTPConfig {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 3 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 30 * time.Second
	}
	if c.MaxConns == 0 {
		c.MaxConns = 64
	}
	if c.MaxReplyBytes == 0 {
		c.MaxReplyBytes = 1 << 20
	}
	return c
}

func validate(c vendorapi.HTTPConfig) error {
	var errs []error
	if c.ConnectTimeout < 0 || c.Timeout < 0 || c.IdleTimeout < 0 {
		errs = append(errs, errors.New("http timeouts: want 0 (the default) or more"))
	}
	if c.ConnectTimeout > c.Timeout {
		errs = append(errs, fmt.Errorf("http connect timeout %v: want at most the whole timeout, %v", c.ConnectTimeout, c.Timeout))
	}
	if c.MaxConns < 0 {
		errs = append(errs, fmt.Errorf("http max conns %d: want 1 or more, or 0 for the default", c.MaxConns))
	}
	if c.MaxReplyBytes < 0 {
		errs = append(errs, fmt.Errorf("http max reply bytes %d: want 1 or more, or 0 for the default", c.MaxReplyBytes))
	}
	return errors.Join(errs...)
}
