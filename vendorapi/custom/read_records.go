package custom

import (
	"slices"
	"strconv"

	"pointsledger/vendorapi"
)

const (
	defaultPageSize = 50
	mostPageSize    = 1000
)

// readRecords reads how a member's records are read.
func (r *reader) readRecords(t vendorapi.Tree) *recordsCall {
	known := slices.Concat(requestFields(), replyFields(), []string{"sign", "list", "none", "points", "text", "at", "before", "award", "balance", "page"})
	if !r.names(t, "a mapping with request, list and points", known...) {
		return nil
	}
	made := &recordsCall{list: r.needed(t.Get("list")), none: r.readConditions(t.Get("none")),
		points: r.needed(t.Get("points")), text: r.pointer(t.Get("text")), at: r.pointer(t.Get("at")), before: r.pointer(t.Get("before")),
		award: r.readConditions(t.Get("award")), balance: r.pointer(t.Get("balance")), pages: r.readPaging(t.Get("page"))}
	names := append(r.common(), nameMember)
	if made.pages != nil {
		names = append(names, namePage, nameOffset, namePageSize)
	}
	made.call = r.readRequest(recordsName, t, names)
	made.outcomes = r.readOutcomesOrDefault(t.Get("outcomes"), readMeanings())
	if !made.anyTemplate(func(x template) bool { return x.uses(nameMember) }) {
		r.problem(t.Get("request"), "{member_id} stands nowhere in it: it would read the same for every member")
	}
	turns := func(x template) bool { return x.uses(namePage) || x.uses(nameOffset) }
	if made.pages != nil && !made.anyTemplate(turns) {
		r.problem(t.Get("page"), "neither {page} nor {offset} stands in the request: every page would be the first")
	}
	return made
}

// readPaging reads how pages are turned; nil without.
func (r *reader) readPaging(t vendorapi.Tree) *paging {
	if !t.Given() {
		return nil
	}
	p := &paging{first: 1, size: defaultPageSize}
	if !r.names(t, "a mapping such as {first: 1, size: 50, total: /data/total}, which may be {}", "first", "size", "total", "last") {
		return p
	}
	p.first = r.integer(t.Get("first"), 1, 0, 1)
	p.size = r.integer(t.Get("size"), defaultPageSize, 1, mostPageSize)
	p.total, p.lastPage = r.pointer(t.Get("total")), r.pointer(t.Get("last"))
	return p
}

func (r *reader) integer(t vendorapi.Tree, otherwise, least, most int) int {
	if !t.Given() {
		return otherwise
	}
	n, err := strconv.Atoi(t.Text)
	if err != nil || n < least || n > most {
		r.problem(t, "want a whole number from %d to %d, got %q", least, most, t.Text)
		return otherwise
	}
	return n
}
