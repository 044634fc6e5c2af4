package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"pointsledger/desk/carry"
)

// losesAnswers puts a way to the database before the console on which the
// answer to one commit is lost: the first one after a statement that contains
// text. The commit holds, and the connection ends.
func (c *console) losesAnswers(text string) {
	c.t.Helper()
	dsn, err := url.Parse(strings.TrimPrefix(c.env[0], "DATABASE_URL="))
	if err != nil {
		c.t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { listener.Close() })
	var armed, lost atomic.Bool
	account := dsn.Host
	pass := func(to, from net.Conn, each func([]byte) error) {
		defer to.Close()
		defer from.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil || each(buffer[:n]) != nil {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp4", account)
			if err != nil {
				client.Close()
				continue
			}
			go pass(server, client, func(sent []byte) error {
				if bytes.Contains(sent, []byte(text)) {
					armed.Store(true)
				}
				return nil
			})
			go pass(client, server, func(answer []byte) error {
				if armed.Load() && bytes.Contains(answer, []byte("COMMIT\x00")) && lost.CompareAndSwap(false, true) {
					return io.ErrUnexpectedEOF
				}
				return nil
			})
		}
	}()
	dsn.Host = listener.Addr().String()
	c.env[0] = "DATABASE_URL=" + dsn.String()
	c.t.Cleanup(func() {
		if !lost.Load() {
			c.t.Error("no answer was lost: this test shows nothing")
		}
	})
}

// A batch whose answer was lost is counted all the same; a plan that is finished
// is said to be, and nothing is recorded of it.
func TestVoidCountsALostAnswer(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, order := range []string{"SO-1", "SO-2", "SO-3"} {
		c.record(order)
	}
	c.park("refused", 0, false)
	line := printed(t, c.must(0, "void"), "void")
	c.losesAnswers("INSERT INTO postings")
	contains(t, c.must(1, line...), "Given up before that: 3 operations. Nothing is left of plan "+line[2])
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE action = 'void_end' AND set_size = 3
	                  AND result LIKE '%voided 3 (300 points, 0 in doubt); refused 0 in doubt; skipped 0 no longer parked; left 0'`); n != 1 {
		t.Error("the end that was recorded is not true")
	}
	acts := c.count(sqlActs)
	contains(t, c.must(0, line...), "Nothing is left of plan "+line[2]+": 3 given up, 0 skipped, 0 refused", "nothing recorded")
	var result carry.GiveUpResult
	c.json(&result, line...)
	if result.Plan != line[2] || result.Act != 0 || result.Voided != 0 || c.count(sqlActs) != acts || c.count(sqlVoided) != 3 {
		t.Errorf("result %+v, %d actions", result, c.count(sqlActs))
	}
}

// How many of a lost answer were in doubt is not known.
func TestVoidCountsALostAnswerInDoubt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.park("attempts_exhausted", 60e9, true)
	line := printed(t, c.must(0, "void", "--accept-in-doubt"), "void")
	c.losesAnswers("INSERT INTO postings")
	c.must(1, line...)
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE action = 'void_end' AND result LIKE '%voided 1 (100 points, 0 or more in doubt)%'`); n != 1 {
		t.Error("the end that was recorded is not true")
	}
}

// Whoever carries out a plan that is cancelled meanwhile is not told to go on.
func TestVoidIsCancelledMeanwhile(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, order := range []string{"SO-1", "SO-2", "SO-3"} {
		c.record(order)
	}
	c.park("refused", 0, false)
	line := printed(t, c.must(0, "void"), "void")
	// Somebody has the last one in hand, so that it is left; and the plan is
	// cancelled with the first batch.
	tx, err := c.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(context.Background()); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	if _, err := tx.Exec(t.Context(), `SELECT FROM outbox ORDER BY operation_id DESC LIMIT 1 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	c.exec(`CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	          UPDATE replay_plans SET cancelled_at = now(), cancelled_by = 'bo' WHERE cancelled_at IS NULL; RETURN NULL; END $$;
	        CREATE TRIGGER cancel AFTER INSERT ON postings FOR EACH STATEMENT EXECUTE FUNCTION cancel()`)
	text := c.must(1, line...)
	contains(t, text, "was cancelled by bo", "make another", "Given up before that: 2 operations; 1 left as they are")
	if strings.Contains(text, "goes on") || strings.Contains(text, "--yes") {
		t.Errorf("a cancelled plan goes on: %s", text)
	}
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE action = 'void_end' AND set_size = 2 AND result LIKE '%voided 2 (200 points%left 1'`); n != 1 {
		t.Error("the end that was recorded is not true")
	}
}
