package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/continuity"
	"pointsledger/internal/command"
	"pointsledger/reconcile/money"
	"pointsledger/reconcile/seal"
)

// kept is what finance makes of a demo's data.
type kept struct {
	folder string
	run    int64
	// from and to are the first and the last business date.
	from, to string
}

// sqlDemoDates are the business dates of a demo; a demo has operations.
const sqlDemoDates = `SELECT min(business_date)::text, max(business_date)::text FROM operations`

// keep seals what was recorded, and leaves beside it what a journal needs.
func (d *demo) keep(ctx context.Context, r *demoResult) error {
	js, err := jetstream.New(d.service.nats)
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	heads := continuity.NewSealHeads(js, d.config.NATS.Stream, false)
	if _, err := seal.NewSealer(d.service.pool, heads, 0).Seal(ctx); err != nil {
		return err
	}
	r.kept = &kept{folder: d.options.keep, run: r.reconciled.Run}
	if err := d.service.pool.QueryRow(ctx, sqlDemoDates).Scan(&r.kept.from, &r.kept.to); err != nil {
		return fmt.Errorf("read business dates: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.options.keep, valuesFile), []byte(money.Example), 0o644); err != nil {
		return fmt.Errorf("keep a values file: %w", err)
	}
	return nil
}

// valuesFile says what a point is worth, in a kept folder.
const valuesFile = "values.yaml"

// print shows the commands that make workbook, page and journal of it.
func (k *kept) print(out io.Writer) {
	program := []string{"reconcile"}
	if strings.Contains(os.Args[0], "go-build") { // by go run
		program = []string{"go", "run", "./cmd/reconcile"}
	}
	line := func(args ...string) {
		fmt.Fprintf(out, "  %s\n", command.Shell(append(append(program, "--data", k.folder), args...)...))
	}
	in := func(name string) string { return filepath.Join(k.folder, name) }
	fmt.Fprintf(out, "\nIts data is in %s. A workbook, a page and a journal of it:\n", k.folder)
	line("report", fmt.Sprint(k.run), "--xlsx", in("reconciliation.xlsx"))
	line("report", fmt.Sprint(k.run), "--html", in("reconciliation.html"))
	line("journal", "--format", "hledger", "--from", k.from, "--to", k.to, "--values", in(valuesFile), "--out", in("points.journal"))
}
