package sink

import (
	"bytes"
	"strconv"
	"time"
)

// zone is that of created_at, which carries none; the worker reads it as the
// vendor's.
var zone = time.FixedZone("CST", 8*60*60)

// keep remembers an applied call, once for each event: the vendor of the
// benchmark knows its keys.
func (b *book) keep(event int, body []byte, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	member := b.FirstMember + int64(event)
	if b.records[member] != nil {
		return
	}
	var r []byte
	r = append(r, `{"type":1,"points":"`...)
	r = append(r, value(body, `"balance":"`)...)
	r = append(r, `","source_desc":"`...)
	r = append(r, value(body, `"reason":"`)...) // still escaped as it came
	r = append(r, `","created_at":"`...)
	r = at.In(zone).AppendFormat(r, time.DateTime)
	b.records[member] = append(r, `"}`...)
}

// show is the answer of user.user-points-records for a member: the newer shape
// of the page, in which the only page is the last one.
func (b *book) show(member []byte) []byte {
	id, err := strconv.ParseInt(string(member), 10, 64)
	if err != nil {
		b.stray.Add(1)
	}
	b.mu.Lock()
	record, before := b.records[id], b.before
	b.mu.Unlock()
	if record == nil && before != nil {
		before.mu.Lock()
		record = before.records[id]
		before.mu.Unlock()
	}
	if record == nil {
		return zhimaiSuccess
	}
	var answer bytes.Buffer
	answer.WriteString(`{"status":"true","code":"0","message":"ok","data":{"data":{"item_list":[`)
	answer.Write(record)
	answer.WriteString(`]}}}`)
	return answer.Bytes()
}
