package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/explanation"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/rulefiles"
	"pointsledger/migrations"
	"pointsledger/rules/cloudevent"
)

func newExplain() *cobra.Command {
	var at string
	var asJSON, inLedger bool
	c := &cobra.Command{
		Use:   "explain FILE|-",
		Short: "Show what an event would do, without doing it",
		Long: `explain reads one CloudEvent (structured JSON) from a file or standard input
and shows what the rules make of it: operations, points, codes, the parts of
each dedup key, and the exact vendor request with secrets masked. It needs no
servers and no credentials and changes nothing.

The event is taken as published at --at, by default at its own time, and the
rules are those in force then. An event that would be rejected ends with exit
code 1 and the reason.

--ledger also looks into the ledger of DATABASE_URL, by the rules that its workers
act by: whether the event is new, a duplicate or a conflict, and what a refund, a
cancellation or a completion would take from which operation. It changes nothing
there.`,
		Args: command.OneArg("one FILE, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error { return explain(c, args[0], at, asJSON, inLedger) },
	}
	c.Flags().StringVar(&at, "at", "", "the broker's time to assume (RFC 3339)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&inLedger, "ledger", false, "also look into the ledger of DATABASE_URL")
	return c
}

func explain(c *cobra.Command, file, at string, asJSON, inLedger bool) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	payload, err := readInput(c.InOrStdin(), file)
	if err != nil {
		return err
	}
	var pool *pgxpool.Pool // nil without a ledger
	if inLedger {
		if pool, cfg, err = openLedger(c.Context(), cfg); err != nil {
			return err
		}
		defer pool.Close()
	}
	brokerTime, assumed, err := assumedTime(payload, at)
	if err != nil {
		return err
	}
	e, err := explanation.Of(cfg, ledger.Message{Payload: payload, BrokerTime: brokerTime}, assumed)
	if err != nil {
		return err
	}
	if pool != nil {
		if err := e.Foresee(c.Context(), pool, cfg); err != nil {
			return err
		}
	}
	if asJSON {
		err = printJSON(c.OutOrStdout(), e.JSON())
	} else {
		e.Print(c.OutOrStdout())
	}
	if e.Rejected {
		err = errors.Join(err, fmt.Errorf("this event would be rejected\n  %s: %s", e.Code, e.Reason))
	}
	return err
}

// openLedger opens the ledger of the configuration to look into, and says by which
// rules its workers act. It makes no table and registers nothing.
func openLedger(ctx context.Context, cfg *config.Config) (*pgxpool.Pool, *config.Config, error) {
	if cfg.DatabaseURL == "" {
		return nil, nil, command.Usagef("--ledger: DATABASE_URL is not set: want the ledger's Postgres")
	}
	if err := migrations.Check(ctx, cfg.DatabaseURL.Reveal()); err != nil {
		return nil, nil, err
	}
	pool, err := database.OpenWorkerPool(ctx, cfg.DatabaseURL.Reveal(), 2) // a look, and what it asks beside
	if err != nil {
		return nil, nil, err
	}
	of, err := rulesOfLedger(ctx, rulefiles.New(pool), cfg, zap.NewNop())
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return pool, of, nil
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// readInput reads a file, or standard input for "-", up to the size of the
// largest JetStream message.
func readInput(stdin io.Reader, file string) ([]byte, error) {
	const most = 1 << 20
	in, err := openInput(stdin, file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	payload, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	if len(payload) > most {
		return nil, command.Usagef("read event: it is larger than 1 MiB, the most a message can hold")
	}
	payload = bytes.TrimPrefix(payload, []byte(byteOrderMark))
	if holdsSeveral(payload) {
		if file == "-" {
			return nil, command.Usagef("standard input holds several events; explain takes one (head -1 FILE | worker explain -)")
		}
		return nil, command.Usagef("%[1]s holds several events; explain takes one (head -1 %[1]s | worker explain -)", file)
	}
	return bytes.TrimSpace(payload), nil
}

// holdsSeveral tells whether more than one JSON object follows one another.
func holdsSeveral(payload []byte) bool {
	var first map[string]json.RawMessage
	values := json.NewDecoder(bytes.NewReader(payload))
	if values.Decode(&first) != nil {
		return false
	}
	next, err := values.Token()
	return err == nil && next == json.Delim('{')
}

// assumedTime is the broker's time to explain with (--at, or the event's time,
// or now), and which of them it is.
func assumedTime(payload []byte, at string) (t time.Time, which string, err error) {
	if at != "" {
		t, err := cloudevent.ParseTime(at)
		if err != nil {
			return t, "", command.Usagef("--at: want RFC 3339 such as 2026-11-20T12:00:00+08:00, got %q", at)
		}
		return t, "--at", nil
	}
	var envelope struct {
		Time string `json:"time"`
	}
	// What is wrong with the event, Explain says better.
	if json.Unmarshal(payload, &envelope) == nil {
		if t, err := cloudevent.ParseTime(envelope.Time); err == nil {
			return t, "its own time; --at assumes another", nil
		}
	}
	return time.Now(), "now; --at assumes another time", nil
}
