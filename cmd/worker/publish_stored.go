package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"pointsledger/internal/advice"
	"pointsledger/internal/command"
	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

const (
	// storedReads is how many stored messages are read at once for comparison.
	storedReads = 16
	// storedPatience is how long one of them may take. Without the right to read
	// the broker does not answer at all.
	storedPatience = 5 * time.Second
)

// notStoredError ends a publish whose lines are not all in the stream: exit code
// 3. Each of the lines has been told.
type notStoredError struct{ notStored, unknown int }

func (e *notStoredError) Error() string {
	var texts []string
	if e.notStored > 0 {
		texts = append(texts, counted(e.notStored, "line")+" not stored: publish what is right under an id of its own")
	}
	if e.unknown > 0 {
		texts = append(texts, counted(e.unknown, "line")+" that the broker calls duplicates could not be compared with what is stored")
	}
	return strings.Join(texts, "; ")
}

func (e *notStoredError) Unwrap() error { return command.ErrDisagree }

// duplicate is a line that the broker says it has, and where.
type duplicate struct {
	line   sentLine
	stream string
	seq    uint64
}

// compareStored looks at what the broker has in place of lines that it took for
// duplicates: it compares Nats-Msg-Id only, so a corrected event under the old id
// is dropped in silence.
func (p *publisher) compareStored(ctx context.Context, duplicates []duplicate) error {
	verdicts := make([]string, len(duplicates))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(storedReads)
	for i := range duplicates {
		group.Go(func() error {
			verdicts[i] = p.compareOne(ctx, &duplicates[i])
			return ctx.Err()
		})
	}
	err := group.Wait()
	for i, verdict := range verdicts {
		switch {
		case verdict == "":
			p.stored++
			p.duplicates++
		case verdict == notStored:
			p.notStored++
			d := &duplicates[i]
			p.tell("line %d: not_stored: the broker has another event under the id %s (stream sequence %d), and drops what comes under an id a second time; "+
				"give this event an id of its own and publish it again", d.line.number, d.line.msgID, d.seq)
		default:
			p.stored++
			p.duplicates++
			p.unknown++
			if p.unknown == 1 {
				p.tell("line %d: the broker has an event under the id %s (stream sequence %d), and it cannot be compared: %s",
					duplicates[i].line.number, duplicates[i].line.msgID, duplicates[i].seq, verdict)
			}
		}
	}
	return err
}

const notStored = "not_stored"

// compareOne is empty when the stored message is the line's event, notStored when
// it is another one, and else says why that is not known.
func (p *publisher) compareOne(ctx context.Context, d *duplicate) string {
	if p.blind.Load() {
		return "not tried again"
	}
	ctx, cancel := context.WithTimeout(ctx, storedPatience)
	defer cancel()
	stream, err := p.js.Stream(ctx, d.stream)
	if err != nil {
		p.blind.Store(true)
		return fmt.Sprintf("look at stream %s: %s", d.stream, advice.Words(err))
	}
	m, err := stream.GetMsg(ctx, d.seq)
	if err != nil {
		p.blind.Store(!errors.Is(err, jetstream.ErrMsgNotFound))
		return fmt.Sprintf("read stream sequence %d: %s", d.seq, advice.Words(err))
	}
	if sameEvent(d.line.data, m) {
		return ""
	}
	return notStored
}

// sameEvent compares a line with a stored message as JSON, so that spaces and the
// order of fields do not count. A message in binary mode counts as its structured
// twin.
func sameEvent(line []byte, m *jetstream.RawStreamMsg) bool {
	if bytes.Equal(line, m.Data) {
		return true
	}
	var header bytes.Buffer
	for name, values := range m.Header {
		for _, value := range values {
			fmt.Fprintf(&header, "%s: %s\r\n", name, value)
		}
	}
	stored, why := cloudevent.Line(ledger.Message{Payload: m.Data, Header: header.Bytes()})
	if why != "" {
		return false
	}
	return reflect.DeepEqual(jsonValue(line), jsonValue(stored))
}

// jsonValue reads an event exactly; what only a binary message says, that its
// data is JSON, is left out.
func jsonValue(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return string(text)
	}
	if event, ok := value.(map[string]any); ok {
		delete(event, "datacontenttype")
	}
	return value
}
