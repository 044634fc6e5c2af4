package custom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pointsledger/evidence"
	"pointsledger/vendorapi"
)

// recordsCall is how a member's records are read.
type recordsCall struct {
	*call
	// list is where the records stand; none holds when there are none and no list.
	list pointer
	none []condition
	// The rest is looked for in each record.
	points, text, at, before pointer
	award                    []condition
	// balance is where the member's points stand beside the list.
	balance pointer
	pages   *paging // nil: one request, which never shows all
}

// paging says how further pages are asked for, and which is the last.
type paging struct {
	first, size int
	// lastPage and total are where the vendor says how many pages or records there are;
	// without either an empty page is the last.
	lastPage, total pointer
}

// What bounds a reading.
const (
	maxPages = 500
	// readTries is how often records that move are read.
	readTries = 3
)

// recordReader implements vendorapi.RecordReader.
type recordReader struct{ c *client }

// ReadRecords implements vendorapi.RecordReader. Where it takes several pages the
// first is read again at the end: if it has changed, records may have moved between the
// pages.
func (r recordReader) ReadRecords(ctx context.Context, memberID string) (evidence.Reading, vendorapi.Reply) {
	start := time.Now()
	for try := 1; ; try++ {
		reading, reply, moved := r.c.readPages(ctx, memberID)
		reply.Duration = time.Since(start)
		switch {
		case reply.Outcome != vendorapi.Applied:
			return evidence.Reading{}, reply
		case !moved:
			return reading, reply
		case try == readTries:
			return evidence.Reading{}, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: vendorapi.ErrRecordsMove, Duration: reply.Duration}
		}
	}
}

// page is one page of records, and what it says of the others.
type page struct {
	records []evidence.Record
	// raw is the list as it came.
	raw []byte
	// last: the vendor says that there are no further ones; total is how many there are
	// in all, -1 when it does not say.
	last  bool
	total int64
}

// readPages reads all pages once. moved is true when the first has changed meanwhile.
func (c *client) readPages(ctx context.Context, memberID string) (reading evidence.Reading, reply vendorapi.Reply, moved bool) {
	records := c.settings.records
	if records.pages == nil {
		p, reply := c.readPage(ctx, memberID, 0, 0)
		return evidence.Reading{Records: p.records}, reply, false
	}
	var first, before page
	for i := range maxPages {
		p, reply := c.readPage(ctx, memberID, i, len(reading.Records))
		if reply.Outcome != vendorapi.Applied {
			return reading, reply, false
		}
		if i > 0 && len(p.records) > 0 && bytes.Equal(p.raw, before.raw) {
			return reading, c.unreadable(reply, errors.New("a page is the same as the one before it")), false
		}
		if i == 0 {
			first = p
		}
		before = p
		reading.Records = append(reading.Records, p.records...)
		if len(p.records) > 0 && !p.last {
			continue
		}
		reading.Complete = p.total < 0 || int64(len(reading.Records)) >= p.total
		if i == 0 {
			return reading, reply, false
		}
		again, reply := c.readPage(ctx, memberID, 0, 0)
		return reading, reply, reply.Outcome == vendorapi.Applied && !bytes.Equal(again.raw, first.raw)
	}
	return reading, vendorapi.Reply{Outcome: vendorapi.Applied}, false // and there may be more
}

// unreadable is the reply to an answer that is not as the file says.
func (c *client) unreadable(reply vendorapi.Reply, why error) vendorapi.Reply {
	reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("%s: %w", c.settings.records.title(), why)
	return reply
}

// readPage reads one page, counted from 0; read is how many records came before it.
func (c *client) readPage(ctx context.Context, memberID string, number, read int) (page, vendorapi.Reply) {
	records := c.settings.records
	v := c.values()
	v.texts[nameMember] = memberID
	if p := records.pages; p != nil {
		v.texts[namePage], v.texts[nameOffset], v.texts[namePageSize] = strconv.Itoa(p.first+number), strconv.Itoa(read), strconv.Itoa(p.size)
	}
	a, _, reply := c.authorised(ctx, records.call, v)
	if reply.Outcome != vendorapi.Applied {
		return page{}, reply
	}
	made, err := records.parse(a, number, read)
	if err != nil {
		return page{}, c.unreadable(reply, err)
	}
	return made, reply
}

// parse reads a page's records. A list that is not there is an error and never an
// empty one.
func (r *recordsCall) parse(a answer, number, read int) (page, error) {
	p := page{total: -1}
	if a.unread != nil {
		return p, a.unread
	}
	if len(r.none) > 0 && fits(r.none, a.document) {
		p.last = true
		return p, nil
	}
	value, found := r.list.find(a.document)
	list, is := value.([]any)
	if !found || !is {
		return p, fmt.Errorf("no list at %s", r.list.source)
	}
	for i, item := range list {
		record, err := r.record(item)
		if err != nil {
			return p, fmt.Errorf("%s/%d: %w", r.list.source, i, err)
		}
		p.records = append(p.records, record)
	}
	p.raw = rawList(list)
	return p, r.readEnd(&p, a.document, number, read)
}

// readEnd reads whether further pages follow.
func (r *recordsCall) readEnd(p *page, document any, number, read int) error {
	if r.pages == nil {
		return nil
	}
	if at := r.pages.total; at.given() {
		value, _ := at.find(document)
		total, err := wholeNumber(value)
		if err != nil {
			return fmt.Errorf("%s: %w", at.source, err)
		}
		p.total, p.last = total, int64(read+len(p.records)) >= total
	}
	if at := r.pages.lastPage; at.given() {
		value, _ := at.find(document)
		last, err := wholeNumber(value)
		if err != nil {
			return fmt.Errorf("%s: %w", at.source, err)
		}
		p.last = int64(r.pages.first+number) >= last
	}
	return nil
}

// record reads one record. Without points it proves nothing, so that the whole page
// is no page; a time that cannot be read is zero.
func (r *recordsCall) record(item any) (evidence.Record, error) {
	value, _ := r.points.find(item)
	points, err := wholeNumber(value)
	if err != nil {
		return evidence.Record{}, fmt.Errorf("%s: %w", r.points.source, err)
	}
	record := evidence.Record{Award: points > 0, Points: points}
	if len(r.award) > 0 {
		for _, c := range r.award {
			if _, found := c.at.find(item); !found {
				return record, fmt.Errorf("nothing at %s, so that nobody can tell what was given from what was taken", c.at.source)
			}
		}
		record.Award = fits(r.award, item)
	}
	record.Text, _ = r.text.text(item)
	if text, told := r.at.text(item); told {
		record.At = parseTime(text)
	}
	if value, found := r.before.find(item); found {
		if before, err := wholeNumber(value); err == nil {
			record.Before, record.Tells = before, true
		}
	}
	return record, nil
}

// firstMilliseconds is the smallest number that is taken for milliseconds: as seconds
// it would be in the year 5138.
const firstMilliseconds = 100_000_000_000

// parseTime reads a time in one of the forms in which vendors write it, zero when it
// is in none of them. One without a zone is China's.
func parseTime(text string) time.Time {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		if n >= firstMilliseconds {
			return time.UnixMilli(n)
		}
		return time.Unix(n, 0)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at
	}
	for _, layout := range []string{time.DateTime, "2006/01/02 15:04:05", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, chinasTime); err == nil {
			return at
		}
	}
	return time.Time{}
}

// rawList is a list as one text, the same for the same list.
func rawList(list []any) []byte {
	raw, err := json.Marshal(list)
	if err != nil {
		return nil // what was read as JSON can be written
	}
	return raw
}

// MarshalJSON lets a list be compared.
func (o *object) MarshalJSON() ([]byte, error) { return json.Marshal(o.fields) }

// balanceReader implements vendorapi.BalanceReader.
type balanceReader struct{ c *client }

// ReadBalance implements vendorapi.BalanceReader, from the first page of records.
func (r balanceReader) ReadBalance(ctx context.Context, memberID string) (*int64, vendorapi.Reply) {
	records := r.c.settings.records
	v := r.c.values()
	v.texts[nameMember] = memberID
	if p := records.pages; p != nil {
		v.texts[namePage], v.texts[nameOffset], v.texts[namePageSize] = strconv.Itoa(p.first), "0", strconv.Itoa(p.size)
	}
	a, _, reply := r.c.authorised(ctx, records.call, v)
	if reply.Outcome != vendorapi.Applied || a.unread != nil {
		return nil, reply
	}
	value, found := records.balance.find(a.document)
	balance, err := wholeNumber(value)
	if !found || err != nil {
		return nil, reply
	}
	return &balance, reply
}
