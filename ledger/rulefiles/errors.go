package rulefiles

import (
	"errors"
	"fmt"
)

// ErrRulesUnknown is returned by the withdrawal of a version of which no file is
// registered.
var ErrRulesUnknown = errors.New("no such rule file is registered")

// ErrRulesWithdrawn is returned by the withdrawal of a file that was withdrawn
// before.
var ErrRulesWithdrawn = errors.New("the rule file is withdrawn already")

// ErrRulesNotWithdrawn is returned when a file is to be taken up again that was
// not withdrawn.
var ErrRulesNotWithdrawn = errors.New("the rule file is not withdrawn")

// ErrRulesNotNewest is returned by the withdrawal of a file after which another
// one was registered.
var ErrRulesNotNewest = errors.New("another rule file was registered after it")

// RulesUsedError is returned by the withdrawal of a file by which alone operations
// were recorded: points may have been granted. Nothing is withdrawn.
type RulesUsedError struct {
	Version    string
	Operations int64
}

func (e *RulesUsedError) Error() string {
	return fmt.Sprintf("%d operations were recorded by rules that only the file %s has", e.Operations, e.Version)
}
