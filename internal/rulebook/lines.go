package rulebook

import (
	"context"
	"fmt"
	"time"

	"pointsledger/internal/config"
	"pointsledger/ledger/rulefiles"
)

// Line is a registered file as it is shown.
type Line struct {
	Version     string     `json:"version"`
	FirstUsed   time.Time  `json:"first_used_at"`
	By          string     `json:"registered_by,omitempty"`
	Operations  int64      `json:"operations"`
	State       string     `json:"state"`
	EndsAt      *time.Time `json:"ends_at,omitempty"`
	WithdrawnAt *time.Time `json:"withdrawn_at,omitempty"`
	WithdrawnBy string     `json:"withdrawn_by,omitempty"`
	Reason      string     `json:"withdrawn_because,omitempty"`
	// ReinstatedAt is when a person took it up again after it had been withdrawn.
	ReinstatedAt      *time.Time `json:"reinstated_at,omitempty"`
	ReinstatedBy      string     `json:"reinstated_by,omitempty"`
	ReinstatedBecause string     `json:"reinstated_because,omitempty"`
	Differs           []string   `json:"differs_from_newest,omitempty"`
}

// States of a registered file.
const (
	InForce   = "in force"
	SameRules = "same rules"
	Ends      = "ends"
	Withdrawn = "withdrawn"
)

// Lines are all registered files, oldest first.
func Lines(ctx context.Context, files *rulefiles.Registry) ([]Line, error) {
	all, err := files.Registered(ctx)
	if err != nil {
		return nil, err
	}
	newest, _ := rulefiles.NewestRules(all)
	lines := make([]Line, len(all))
	for i, r := range all {
		line := Line{Version: r.Version, FirstUsed: r.FirstUsed, By: r.By, State: SameRules,
			Differs: config.OtherDifferences([]byte(r.Text), []byte(newest.Text))}
		if line.Operations, _, err = files.UnderRules(ctx, r.Version, time.Time{}); err != nil {
			return nil, err
		}
		from, differ := config.Divergence([]byte(r.Text), []byte(newest.Text))
		switch {
		case r.Withdrawn != nil:
			line.State, line.WithdrawnAt, line.WithdrawnBy, line.Reason = Withdrawn, &r.Withdrawn.At, r.Withdrawn.Actor, r.Withdrawn.Reason
		case r.Version == newest.Version:
			line.State = InForce
		case differ:
			line.State = Ends
			if !from.IsZero() {
				line.EndsAt = &from
			}
		}
		if act := r.Reinstated; act != nil {
			line.ReinstatedAt, line.ReinstatedBy, line.ReinstatedBecause = &act.At, act.Actor, act.Reason
		}
		lines[i] = line
	}
	return lines, nil
}

// Words say how a file stands.
func (l *Line) Words() string {
	text := l.State
	switch {
	case l.WithdrawnAt != nil:
		text += fmt.Sprintf(" %s by %s: %s", l.WithdrawnAt.UTC().Format(time.RFC3339), l.WithdrawnBy, l.Reason)
	case l.EndsAt != nil:
		text += " " + l.EndsAt.UTC().Format(time.RFC3339)
	case l.State == Ends:
		text += ": it may not be used any more"
	}
	if l.ReinstatedAt != nil {
		text += fmt.Sprintf(", reinstated %s by %s: %s", l.ReinstatedAt.UTC().Format(time.RFC3339), l.ReinstatedBy, l.ReinstatedBecause)
	}
	for i, part := range l.Differs {
		if i == 0 {
			text += "; differs in "
		} else {
			text += ", "
		}
		text += part
	}
	return text
}
