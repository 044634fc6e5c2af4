package zhimai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"pointsledger/vendorapi"
)

// defaultPageSize is the page's default for page_size.
const defaultPageSize = 10

// RecordsQuery asks for one page of a member's points history.
type RecordsQuery struct {
	UserID string
	// Page counts from 1; 0 is 1. PageSize 0 is 10, the vendor's default.
	Page     int
	PageSize int
	// Type is "all", "in" or "out"; "" leaves it out (the older variant of the
	// page does not know it).
	Type string
}

// The directions of a record.
const (
	Awarded = 1
	Spent   = 2
)

// Record is one line of a member's points history. There is no bizId in it.
type Record struct {
	// Type is Awarded or Spent, or a number that the page does not explain.
	Type int64
	// SubType is 1 for a coupon, 2 for an order, when spent; 0 when not told.
	SubType int64
	SubName string
	// Points as the vendor writes them; the page does not say whether spent
	// points have a sign.
	Points int64
	// PreviousPoint is the balance before; nil when not told.
	PreviousPoint *int64
	// Desc is desc or source_desc, the only free text.
	Desc string
	// CreatedAt is as it came: the page gives neither a form nor a zone.
	CreatedAt  string
	ChangeText string
}

// RecordsPage is one page of records, in the vendor's order.
type RecordsPage struct {
	Records []Record
	// HasMore says that another page has to be read; see hasMore.
	HasMore bool
	// Total is the number of records in all; nil when not told.
	Total *int64
}

// recordsData is data, or data.data, in either shape. Paging may stand beside
// item_list or one level above it.
type recordsData struct {
	CurrentPage integer         `json:"current_page"`
	PerPage     integer         `json:"per_page"`
	LastPage    integer         `json:"last_page"`
	Total       integer         `json:"total"`
	ItemList    json.RawMessage `json:"item_list"`
	Data        json.RawMessage `json:"data"`
}

type recordItem struct {
	PreviousPoint integer `json:"previous_point"`
	Type          integer `json:"type"`
	SubType       integer `json:"sub_type"`
	SubName       text    `json:"sub_name"`
	Points        integer `json:"points"`
	Desc          text    `json:"desc"`
	SourceDesc    text    `json:"source_desc"`
	CreatedAt     text    `json:"created_at"`
	ChangeText    text    `json:"change_text"`
}

// PointsRecords reads one page. The page counts only when the outcome is
// Applied; a reply that cannot be read is Unknown and never "no records".
func (c *Client) PointsRecords(ctx context.Context, q RecordsQuery) (RecordsPage, vendorapi.Reply) {
	if q.Page == 0 {
		q.Page = 1
	}
	if q.PageSize == 0 {
		q.PageSize = defaultPageSize
	}
	if err := q.check(); err != nil {
		return RecordsPage{}, unsendable("read points records", err)
	}
	params := []param{
		{"user_id", q.UserID},
		{"page_size", strconv.Itoa(q.PageSize)},
		{"page", strconv.Itoa(q.Page)},
	}
	if q.Type != "" {
		params = append(params, param{"type", q.Type})
	}
	data, reply := c.call(ctx, actionPointsRecords, params)
	if reply.Outcome != vendorapi.Applied {
		return RecordsPage{}, reply
	}
	page, err := parseRecords(data, q)
	if err != nil {
		reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("read points records: %w", err)
		return RecordsPage{}, reply
	}
	return page, reply
}

func (q RecordsQuery) check() error {
	switch {
	case q.UserID == "":
		return errors.New("user id is required")
	case q.Page < 1 || q.PageSize < 1:
		return errors.New("page and page size: want 1 or more")
	case q.Type != "" && q.Type != "all" && q.Type != "in" && q.Type != "out":
		return errors.New("type: want all, in, out or nothing")
	}
	return nil
}

// parseRecords accepts both shapes of the page, and [] as zero records.
func parseRecords(data json.RawMessage, q RecordsQuery) (RecordsPage, error) {
	if isEmptyList(data) {
		return RecordsPage{}, nil
	}
	outer, err := decodeRecordsData(data)
	if err != nil {
		return RecordsPage{}, err
	}
	inner := outer
	if outer.ItemList == nil && outer.Data != nil {
		if isEmptyList(outer.Data) {
			return RecordsPage{}, nil
		}
		if inner, err = decodeRecordsData(outer.Data); err != nil {
			return RecordsPage{}, err
		}
		inner.adoptPaging(outer)
	}
	items, err := elements(inner.ItemList)
	if err != nil {
		return RecordsPage{}, fmt.Errorf("item_list: %w", err)
	}
	// An empty history may be "page 0"; any other page than the asked one would
	// show records twice and hide others.
	if got := inner.CurrentPage; got.set && got.n != int64(q.Page) && (got.n != 0 || len(items) > 0) {
		return RecordsPage{}, fmt.Errorf("asked for page %d, got page %d", q.Page, inner.CurrentPage.n)
	}
	page := RecordsPage{
		Records: make([]Record, 0, len(items)),
		HasMore: inner.hasMore(q, len(items)),
		Total:   inner.Total.pointer(),
	}
	for i, raw := range items {
		record, err := parseRecord(raw)
		if err != nil {
			return RecordsPage{}, fmt.Errorf("item_list[%d]: %w", i, err)
		}
		page.Records = append(page.Records, record)
	}
	return page, nil
}

func decodeRecordsData(raw json.RawMessage) (recordsData, error) {
	var d recordsData
	if len(raw) == 0 || raw[0] != '{' {
		return d, errors.New("data is neither an object nor an empty list")
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("decode data: %w", err)
	}
	return d, nil
}

// adoptPaging takes what the outer object says where the inner is silent.
func (d *recordsData) adoptPaging(outer recordsData) {
	for _, pair := range []struct{ to, from *integer }{
		{&d.CurrentPage, &outer.CurrentPage}, {&d.PerPage, &outer.PerPage},
		{&d.LastPage, &outer.LastPage}, {&d.Total, &outer.Total},
	} {
		if !pair.to.set {
			*pair.to = *pair.from
		}
	}
}

// hasMore goes by last_page, else by total and per_page, else by length: a
// short page is the last. Short means below the page's size and below 10, the
// vendor's default: a vendor that caps or ignores page_size would otherwise
// look finished after one page. At worst that costs one read of an empty page.
func (d *recordsData) hasMore(q RecordsQuery, got int) bool {
	size := int64(q.PageSize)
	if d.PerPage.set && d.PerPage.n > 0 {
		size = d.PerPage.n
	}
	switch {
	case d.LastPage.set && (d.LastPage.n > 0 || got == 0):
		return int64(q.Page) < d.LastPage.n
	case d.Total.set && d.PerPage.set && d.PerPage.n > 0:
		return int64(q.Page) < (d.Total.n+size-1)/size
	}
	return int64(got) >= min(size, defaultPageSize)
}

// parseRecord insists on type and points: without them a record proves nothing.
func parseRecord(raw json.RawMessage) (Record, error) {
	var item recordItem
	if err := json.Unmarshal(raw, &item); err != nil {
		return Record{}, fmt.Errorf("decode record: %w", err)
	}
	if !item.Type.set || !item.Points.set {
		return Record{}, errors.New("record without type or points")
	}
	desc := item.Desc
	if desc == "" {
		desc = item.SourceDesc
	}
	return Record{
		Type:          item.Type.n,
		SubType:       item.SubType.n,
		SubName:       string(item.SubName),
		Points:        item.Points.n,
		PreviousPoint: item.PreviousPoint.pointer(),
		Desc:          string(desc),
		CreatedAt:     string(item.CreatedAt),
		ChangeText:    string(item.ChangeText),
	}, nil
}
