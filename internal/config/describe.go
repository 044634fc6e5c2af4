package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Description is the effective configuration for people and programs, without
// secrets.
type Description struct {
	Settings     []Setting          `json:"settings"`
	Accounts     []AccountDescribed `json:"vendors"`
	RulesFrom    string             `json:"rules_from"`
	RulesVersion string             `json:"rules_version"`
	Warnings     []string           `json:"warnings"`
}

// AccountDescribed says whether an account is on, and if not, why.
type AccountDescribed struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	On         bool   `json:"on"`
	OffBecause string `json:"off_because,omitempty"`
}

// Description gives the masked structure behind Describe. Its lists are never
// nil, so that JSON shows [].
func (c *Config) Description() Description {
	d := Description{
		Settings:     append([]Setting{}, c.Settings...),
		Accounts:     []AccountDescribed{},
		RulesFrom:    c.RulesFrom,
		RulesVersion: c.RulesVersion,
		Warnings:     append([]string{}, c.Warnings...),
	}
	for _, v := range c.Accounts {
		d.Accounts = append(d.Accounts, AccountDescribed{Name: v.Name, Kind: v.Kind, On: v.On(), OffBecause: v.offBecause})
	}
	return d
}

// Describe writes the configuration as a table: name, value, where from.
func (c *Config) Describe(w io.Writer) error {
	d := c.Description()
	rows := [][3]string{{"NAME", "VALUE", "FROM"}}
	for _, s := range d.Settings {
		// A value with a line end or a tab would break the table.
		value := s.Value
		if strings.ContainsAny(value, "\n\t\r") {
			value = fmt.Sprintf("%q", value)
		}
		rows = append(rows, [3]string{s.Name, value, s.From})
	}
	rows = append(rows, [3]string{"rules", "version " + d.RulesVersion, d.RulesFrom})
	if err := writeRows(w, rows); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	for _, warning := range d.Warnings {
		if _, err := fmt.Fprintln(w, "warning:", warning); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	return nil
}

// widestValue is what the value's column is made for; a longer value gets a line
// of its own.
const widestValue = 40

func writeRows(w io.Writer, rows [][3]string) error {
	var names, values int
	for _, row := range rows {
		names = max(names, utf8.RuneCountInString(row[0]))
		if n := utf8.RuneCountInString(row[1]); n <= widestValue {
			values = max(values, n)
		}
	}
	for _, row := range rows {
		var err error
		if utf8.RuneCountInString(row[1]) > widestValue {
			_, err = fmt.Fprintf(w, "%-*s  %-*s  %s\n  %s\n", names, row[0], values, "(next line)", row[2], row[1])
		} else {
			_, err = fmt.Fprintf(w, "%-*s  %-*s  %s\n", names, row[0], values, row[1], row[2])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DescribeJSON writes the Description as indented JSON.
func (c *Config) DescribeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.Description()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
