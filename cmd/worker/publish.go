package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"pointsledger/consumers"
	"pointsledger/internal/broker"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
)

func newPublish() *cobra.Command {
	var create, noMsgID, raw bool
	c := &cobra.Command{
		Use:   "publish FILE|-",
		Short: "Publish CloudEvents from a file, one JSON a line",
		Long: `publish sends each line of a file (or of standard input) as one CloudEvent in
structured mode to points.events.<type>, with Nats-Msg-Id <source>/<id>, and
waits until the broker has stored it. It says how many the broker called
duplicates; the ledger finds those that the broker did not.

The broker compares ids only: a corrected event under the id of the wrong one is
dropped within the stream's duplicate window. So publish reads what is stored
under that id, and where that is another event it names the line as not_stored
and ends with exit code 3: give the corrected event an id of its own.

Each line is one JSON object, and is sent as it is, also a wrong event: what the
worker makes of it is shown by "worker explain" beforehand and by the table
rejects afterwards. At a line that is no JSON object publish stops, unless --raw
is given. A line without a readable type goes to points.events.unknown.`,
		Args: command.OneArg("one FILE, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			return publish(c, args[0], create, &publisher{withMsgID: !noMsgID, raw: raw})
		},
	}
	c.Flags().BoolVar(&create, "create-stream", false, "create the stream and its durable when the stream is absent, as the worker would")
	c.Flags().BoolVar(&noMsgID, "no-msg-id", false, "leave Nats-Msg-Id out, so that the broker takes repeats too")
	c.Flags().BoolVar(&raw, "raw", false, "send any line as it is, also one that is not a JSON object")
	return c
}

func publish(c *cobra.Command, file string, create bool, p *publisher) error {
	ctx := c.Context()
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	in, err := openInput(c.InOrStdin(), file)
	if err != nil {
		return err
	}
	defer in.Close()
	conn, err := broker.Dial(cfg, "points-ledger")
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(publishWindow))
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	if err := checkStream(ctx, js, cfg.NATS, create); err != nil {
		return fmt.Errorf("%w (NATS_URL %s)", err, cfg.NATS.URL)
	}
	p.js, p.progress = js, command.NewProgress(c.ErrOrStderr())
	p.tell = func(format string, args ...any) {
		p.progress.Done()
		fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...)
	}
	err = p.publishAll(ctx, in)
	p.progress.Done()
	fmt.Fprintf(c.OutOrStdout(), "published %s, %s of them known to the broker (duplicates)", counted(p.stored, "message"), command.Count(p.duplicates))
	if p.notStored > 0 {
		fmt.Fprintf(c.OutOrStdout(), "; %s not stored (not_stored)", command.Count(p.notStored))
	}
	fmt.Fprintln(c.OutOrStdout())
	if err == nil && p.notStored+p.unknown > 0 {
		err = &notStoredError{p.notStored, p.unknown}
	}
	return err
}

// openInput opens a file, or takes standard input for "-".
func openInput(stdin io.Reader, file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, command.Usagef("open events: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, command.Usagef("open events: %s is a folder, want a file", file)
	}
	return f, nil
}

const (
	// publishWindow is how many messages may wait for the broker's answer.
	publishWindow = 256
	// publishStall is how long a full window may stay full.
	publishStall = 30 * time.Second
)

// whyNoNATS tries once more and returns what went wrong, nil when it works.
func whyNoNATS(cfg *config.Config) error {
	conn, err := broker.Dial(cfg, "points-ledger")
	if err == nil {
		conn.Close()
	}
	return err
}

// checkStream finds the stream within a few seconds.
func checkStream(ctx context.Context, js jetstream.JetStream, cfg config.NATS, create bool) error {
	name := cfg.Stream
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if !create {
			return fmt.Errorf("stream %s does not exist: start the worker once, or add --create-stream", name)
		}
		err = consumers.CreateStream(ctx, js, consumers.Config{Stream: name, Durable: cfg.Durable, AckWait: cfg.AckWait})
	}
	if err != nil {
		return fmt.Errorf("find stream %s: %w", name, err)
	}
	return nil
}

// publisher sends lines and counts the broker's answers.
type publisher struct {
	js        jetstream.JetStream
	withMsgID bool
	// raw sends lines that are no JSON objects, too.
	raw      bool
	progress *command.Progress
	waiting  []sentLine
	// tell prints what is the matter with a line.
	tell       func(format string, args ...any)
	stored     int
	duplicates int
	// notStored lines have an id that the broker has another event under; of
	// unknown ones it could not be found out, and blind says not to try again.
	notStored, unknown int
	blind              atomic.Bool
}

// sentLine is a line that waits for the broker's answer.
type sentLine struct {
	number int
	data   []byte
	msgID  string
	future jetstream.PubAckFuture
}

func (p *publisher) publishAll(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	number := 0
	for lines.Scan() {
		number++
		// Files that Windows wrote, also several behind each other.
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte(byteOrderMark)))
		if len(line) == 0 {
			continue
		}
		if !p.raw && !isObject(line) {
			return errors.Join(p.settle(ctx, p.waiting), fmt.Errorf("line %d is not a JSON object: %s; --raw sends it as it is", number, whyNoObject(line)))
		}
		if err := p.send(number, line); err != nil {
			return err
		}
		if len(p.waiting) >= publishWindow {
			if err := p.settle(ctx, p.waiting[:publishWindow/2]); err != nil {
				return err
			}
			p.waiting = append(p.waiting[:0], p.waiting[publishWindow/2:]...)
		}
		p.progress.Show("published %s", command.Count(p.stored))
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return errors.Join(p.settle(ctx, p.waiting), fmt.Errorf("line %d is longer than 1 MiB, the most a message can hold", number+1))
	} else if err != nil {
		return errors.Join(p.settle(ctx, p.waiting), fmt.Errorf("read line %d: %w", number+1, err))
	}
	return p.settle(ctx, p.waiting)
}

// send publishes one line without waiting for the answer.
func (p *publisher) send(number int, line []byte) error {
	var envelope struct {
		ID     string `json:"id"`
		Source string `json:"source"`
		Type   string `json:"type"`
	}
	_ = json.Unmarshal(line, &envelope) // the worker says what is wrong with it
	subject := consumers.SubjectPrefix + "unknown"
	if isSubject(envelope.Type) {
		subject = consumers.SubjectPrefix + envelope.Type
	}
	m := &nats.Msg{Subject: subject, Data: bytes.Clone(line), Header: nats.Header{}}
	m.Header.Set("Content-Type", "application/cloudevents+json")
	if p.withMsgID && envelope.ID != "" && envelope.Source != "" {
		m.Header.Set(jetstream.MsgIDHeader, envelope.Source+"/"+envelope.ID)
	}
	future, err := p.js.PublishMsgAsync(m, jetstream.WithStallWait(publishStall))
	if err != nil {
		return fmt.Errorf("publish line %d: %w", number, err)
	}
	p.waiting = append(p.waiting, sentLine{number: number, data: m.Data, msgID: m.Header.Get(jetstream.MsgIDHeader), future: future})
	return nil
}

// settle waits for the broker's answers. After an error the lines behind the
// named one may or may not be stored: publishing the file again is safe.
func (p *publisher) settle(ctx context.Context, lines []sentLine) error {
	var duplicates []duplicate
	for _, l := range lines {
		ack, err := l.answer(ctx)
		switch {
		case err != nil:
			return errors.Join(p.compareStored(ctx, duplicates), fmt.Errorf("publish line %d: %w; publishing the file again is safe", l.number, err))
		case ack.Duplicate:
			duplicates = append(duplicates, duplicate{l, ack.Stream, ack.Sequence})
		default:
			p.stored++
		}
	}
	return p.compareStored(ctx, duplicates)
}

// answer waits for the broker's answer to a line.
func (l *sentLine) answer(ctx context.Context) (*jetstream.PubAck, error) {
	select {
	case ack := <-l.future.Ok():
		return ack, nil
	case err := <-l.future.Err():
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(30 * time.Second):
		return nil, errors.New("no answer for 30 s")
	}
}

// byteOrderMark is what some programs write before UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// whyNoObject says what a line is instead, and how to make one of it.
func whyNoObject(line []byte) string {
	switch {
	case encodingOf(line) != "":
		return "the file is " + encodingOf(line) + ", want UTF-8 (iconv -f UTF-16 -t UTF-8 FILE makes it so)"
	case line[0] == '[' && json.Valid(line):
		return "it is a list, want one event a line (jq -c '.[]' FILE makes it so)"
	}
	return "want one event a line (jq -c . FILE makes it so)"
}

// encodingOf knows UTF-16 by its byte order mark, or by the zero bytes of ASCII
// text; empty is another encoding.
func encodingOf(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")),
		len(text) > 1 && (text[0] == 0 || text[1] == 0):
		return "UTF-16"
	}
	return ""
}

// isObject tells whether a line is one whole JSON object.
func isObject(line []byte) bool { return line[0] == '{' && json.Valid(line) }

// isSubject tells whether a type can stand in a subject as it is.
func isSubject(typ string) bool {
	if typ == "" || typ[0] == '.' || typ[len(typ)-1] == '.' {
		return false
	}
	for i, r := range typ {
		if r <= ' ' || r == '*' || r == '>' || r == 0x7f || r == '.' && typ[i-1] == '.' {
			return false
		}
	}
	return true
}
