package report

import (
	"fmt"

	"pointsledger/reconcile/match"
)

// The blocks that others refer to, and the row of the sums in the bridge.
const (
	heroBlock, bridgeBlock, postingsBlock = "hero", "bridge", "postings"
	sumRow, countedRow                    = "sum", "counted"
)

// summaryBlocks are the page that an accountant reads first.
func (r *Report) summaryBlocks() []*block {
	blocks := []*block{r.hero(), r.bridge()}
	for _, b := range []*block{r.agesBlock(), r.whysBlock("held", r.words.HeldTitle, r.words.HeldAbout, r.Held),
		r.whysBlock("to_be_taken_back", r.words.OwedTitle, r.words.OwedAbout, r.Owed), r.notComparedBlock()} {
		if len(b.rows) > 0 {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// hero is the number that must be zero.
func (r *Report) hero() *block {
	w := r.words
	b := &block{name: heroBlock, about: w.WhatZeroMeans, columns: []column{{key: "what"}, {key: "value", form: points}}}
	sum := func(key string) func(*place) string {
		return func(p *place) string { return p.of(bridgeBlock, sumRow, key) }
	}
	b.add(check, just(w.MustBeZero), cell{r.Unexplained, sum("unexplained_items")})
	b.add(strong, just(w.Apart), cell{r.UnexplainedPoints, sum("unexplained")})
	return b
}

// ownDifference is the difference of a block's row.
func ownDifference(p *place) string { return p.cell("ledger") + "-" + p.cell("vendor") }

// bridge leads from the pairs over all items to the difference of the sides.
func (r *Report) bridge() *block {
	w := r.words
	b := &block{name: bridgeBlock, title: w.Bridge, about: w.BridgeAbout, columns: []column{
		{key: "what", title: w.What, width: 44}, {key: "count", title: w.Count, form: count}, {key: "ledger", title: w.LedgerPoints, short: w.Ledger, form: points},
		{key: "vendor", title: w.VendorPoints, short: w.Vendor, form: points}, {key: "difference", title: w.Difference, form: points},
		{key: "unexplained_items", title: w.UnexplainedItems, short: w.OpenItems, form: count}, {key: "unexplained", title: w.Unexplained, short: w.OpenAmount, form: points}}}
	var ledger, vendor int64
	for _, p := range r.Pairs {
		word := map[match.How]string{match.ByReference: w.ByReference, match.Proposed: w.Proposed}[p.How]
		by := func(key string) func(*place) string {
			return func(at *place) string { return at.sumIf(matchedName, key, "how", w.Hows[p.How]) }
		}
		b.add(plain, just(word), cell{p.Pairs, func(at *place) string { return at.countIf(matchedName, "how", w.Hows[p.How]) }}, cell{p.LedgerPoints, by("ledger")},
			cell{p.VendorPoints, by("vendor")}, cell{p.LedgerPoints - p.VendorPoints, ownDifference})
		ledger, vendor = ledger+p.LedgerPoints, vendor+p.VendorPoints
	}
	for _, k := range r.Kinds {
		if k.Kind == match.BalanceDiffers {
			continue
		}
		b.addKind(w.Kinds[k.Kind], &k)
		ledger, vendor = ledger+k.LedgerPoints, vendor+k.VendorPoints
	}
	transit := r.transitTable()
	if transit.rows > 0 {
		total := func(key string) func(*place) string {
			return func(p *place) string { return p.total(transit.name, key) }
		}
		b.add(plain, just(w.InTransit), cell{transit.rows, func(p *place) string { return p.countRows(transit.name, "no") }}, cell{transit.totals["ledger"], total("ledger")},
			cell{transit.totals["vendor"], total("vendor")}, cell{transit.totals["difference"], ownDifference})
		ledger, vendor = ledger+transit.totals["ledger"], vendor+transit.totals["vendor"]
	}
	for _, k := range r.Kinds {
		if k.Kind == match.BalanceDiffers {
			b.addKind(fmt.Sprintf(w.NotInSums, w.Kinds[k.Kind]), &k)
			last := b.rows[len(b.rows)-1].cells
			last[2], last[3], last[4] = just(nil), just(nil), just(nil)
		}
	}
	column := func(key string) func(*place) string { return func(p *place) string { return p.above(key) } }
	b.add(strong, just(w.Sum), just(nil), cell{ledger, column("ledger")}, cell{vendor, column("vendor")}, cell{ledger - vendor, ownDifference},
		cell{r.Unexplained, column("unexplained_items")}, cell{r.UnexplainedPoints, column("unexplained")})
	b.rows[len(b.rows)-1].id = sumRow
	b.add(plain, just(w.AsCounted), just(nil), just(r.LedgerPoints), just(r.VendorPoints), just(r.DifferencePoints))
	b.rows[len(b.rows)-1].id = countedRow
	less := func(key string) func(*place) string {
		return func(p *place) string {
			return p.of(bridgeBlock, sumRow, key) + "-" + p.of(bridgeBlock, countedRow, key)
		}
	}
	b.add(check, just(w.Check), just(nil), cell{ledger - r.LedgerPoints, less("ledger")}, cell{vendor - r.VendorPoints, less("vendor")},
		cell{ledger - vendor - r.DifferencePoints, less("difference")})
	return b
}

func (b *block) addKind(word string, k *KindSum) {
	sheet := string(k.Kind)
	total := func(key string) func(*place) string {
		return func(p *place) string { return p.total(sheet, key) }
	}
	b.add(plain, just(word), cell{k.Items, func(p *place) string { return p.countRows(sheet, "no") }}, cell{k.LedgerPoints, total("ledger")}, cell{k.VendorPoints, total("vendor")},
		cell{k.LedgerPoints - k.VendorPoints, ownDifference}, cell{k.UnexplainedItems, func(p *place) string { return p.countBlank(sheet, "explained_by") }},
		cell{k.UnexplainedPoints, total("unexplained")})
}

func (r *Report) agesBlock() *block {
	w := r.words
	b := &block{name: "in_transit", title: w.AgesTitle, about: w.TransitAbout, columns: []column{{key: "age", title: w.Age}, {key: "count", title: w.Operations, form: count},
		{key: "open", title: w.OpenPoints, form: points}, {key: "ledger", title: w.LedgerPoints, form: points}, {key: "vendor", title: w.VendorPoints, form: points}}}
	for _, a := range r.Ages {
		by := func(key string) func(*place) string {
			return func(p *place) string { return p.sumIf("in_transit", key, "age", w.Ages[a.Age]) }
		}
		b.add(plain, just(w.Ages[a.Age]), cell{a.Operations, func(p *place) string { return p.countIf("in_transit", "age", w.Ages[a.Age]) }},
			cell{a.OpenPoints, by("open")}, cell{a.LedgerPoints, by("ledger")}, cell{a.VendorPoints, by("vendor")})
	}
	return b
}

// whysBlock adds up what waits; name is that of its sheet, too.
func (r *Report) whysBlock(called, title, about string, sums []WhySum) *block {
	w := r.words
	b := &block{name: called, title: title, about: about, columns: []column{{key: "why", title: w.Why}, {key: "operations", title: w.Operations, form: count},
		{key: "points", title: w.Points, form: points}, {key: "kind", title: w.Kind}, {key: "account", title: w.Account}, {key: "oldest", title: w.Oldest, form: instant}}}
	for _, s := range sums {
		same := func(p *place) [][2]string {
			return [][2]string{{"why", p.cell("why")}, {"kind", p.cell("kind")}, {"account", p.cell("account")}}
		}
		b.add(plain, just(w.Whys[s.Why]), cell{s.Operations, func(p *place) string { return p.countIfs(called, same(p)) }},
			cell{s.Points, func(p *place) string { return p.sumIfs(called, "points", same(p)) }}, just(w.Verbs[s.Kind]), just(s.Account), just(r.local(&s.OldestAt)))
	}
	return b
}

// notComparedBlock says what of the window was left out, and why.
func (r *Report) notComparedBlock() *block {
	w, n := r.words, &r.NotCompared
	b := &block{name: "not_compared", title: w.NotCompared, columns: []column{{key: "what", title: w.Why}, {key: "count", title: w.Operations, form: count}, {key: "points", title: w.Points, form: points}}}
	if s := r.withoutSum; s.Operations > 0 {
		b.add(plain, just(w.WithoutRecords), cell{s.Operations, func(p *place) string { return p.countRows(withoutName, "account") }},
			cell{s.Points, func(p *place) string { return p.total(withoutName, "points") }})
	}
	for _, part := range []struct {
		word   string
		count  int64
		points any
	}{{w.BeyondReach, n.BeyondReach, n.BeyondReachPoints}, {w.MembersNotRead, n.MembersNotRead, nil}} {
		if part.count > 0 {
			b.add(plain, just(part.word), just(part.count), just(part.points))
		}
	}
	return b
}

// coverageBlocks say what was compared, and how.
func (r *Report) coverageBlocks() []*block {
	w, s := r.words, &r.Summary
	of := &block{name: "of", columns: []column{{key: "what"}, {key: "value"}}}
	line := func(label string, value any) { of.add(plain, just(label), just(value)) }
	line(w.Account, r.accountWords())
	line(w.Window, r.windowWords())
	line(w.Zone, s.Zone)
	line(w.Source, r.sourceWords())
	if s.ExportedAt != nil {
		line(w.ExportedAt, r.local(s.ExportedAt))
	}
	line(w.MembersAsked, w.Choices[s.Choice])
	if s.SoleSource {
		line(w.SoleSource, w.SoleSourceAbout)
	}
	shows := w.Yes
	if !s.ShowsReferences {
		shows = w.DoesNotShow
	}
	line(w.ShowsReferences, shows)
	line(w.MadeBy, s.MadeBy)
	line(w.Began, r.local(&s.BeganAt))
	line(w.Ended, r.local(s.EndedAt))
	line(w.ReadAt, r.local(&r.ReadAt))

	blocks := []*block{of, r.countsBlock()}
	if not := r.notComparedBlock(); len(not.rows) > 0 {
		blocks = append(blocks, not)
	}
	return append(blocks, r.methodBlock())
}

// countsBlock says how much was compared.
func (r *Report) countsBlock() *block {
	w, s := r.words, &r.Summary
	counts := &block{name: postingsBlock, title: w.Compared, columns: []column{{key: "what", title: w.What}, {key: "value", title: w.Count, form: count}, {key: "points", title: w.Points, form: points}}}
	compared := s.Postings - s.NotCompared.BeyondReach - s.NotCompared.MembersNotRead
	row := func(id, label string, value cell, points any) {
		counts.add(plain, just(label), value, just(points))
		counts.rows[len(counts.rows)-1].id = id
	}
	row("postings", w.PostingsInWindow, just(s.Postings), nil)
	row("compared", w.PostingsCompared, just(compared), nil)
	if s.Postings > 0 {
		row("share", w.CoverageShare, cell{fraction(s.Coverage), func(p *place) string {
			return p.of(postingsBlock, "compared", "value") + "/" + p.of(postingsBlock, "postings", "value")
		}}, nil)
	} else {
		row("share", w.CoverageShare, just(w.CoverageNone), nil)
	}
	row("members", w.MembersRead, just(s.Members), nil)
	row("failed", w.MembersFailed, just(s.NotCompared.MembersFailed), nil)
	row("records", w.Records, just(s.Records), nil)
	row("not_ours", w.NotOurs, just(s.NotOurs), s.NotOursPoints)
	row("balances", w.Balances, just(s.Balances), nil)
	return counts
}

// methodBlock says by which rules.
func (r *Report) methodBlock() *block {
	w := r.words
	method := &block{name: "method", title: w.Method, columns: []column{{key: "what"}}}
	for _, text := range []string{w.MethodReference, w.MethodProposed, w.MethodItems, w.MethodTransit, w.MethodZero, w.WhatZeroMeans, w.CheckAbout, w.MethodTrial} {
		method.add(plain, just(text))
	}
	if !r.asked.Unmasked {
		method.add(plain, just(w.Masked))
	}
	return method
}

// fraction is shown as a percentage.
type fraction float64

func (r *Report) accountWords() string {
	if r.Account == "" {
		return r.words.AllAccounts
	}
	return r.Account
}

func (r *Report) windowWords() string { return fmt.Sprintf("%s %s %s", r.From, r.words.To, r.To) }

func (r *Report) sourceWords() string {
	switch r.Source {
	case "file":
		return fmt.Sprintf(r.words.FromFile, r.File)
	case "vendor":
		return r.words.FromVendor
	}
	return r.words.FromNone
}

// heading names the report in one line.
func (r *Report) heading() string {
	return fmt.Sprintf("%s %d · %s · %s", r.words.RunNo, r.Run, r.accountWords(), r.windowWords())
}

// byline says what the records are from, when the report was made, and when it is of a part alone.
func (r *Report) byline() string {
	made := fmt.Sprintf("%s%s%s · %s %s (%s)", r.words.Source, r.words.Colon, r.sourceWords(), r.words.Made, r.ReadAt.In(r.zone).Format(momentLayout), r.Zone)
	if partly := r.partly(); partly != "" {
		return made + " · " + partly
	}
	return made
}

// partly says that a part of the window was not compared; empty: all was, or there was nothing.
func (r *Report) partly() string {
	if r.Postings == 0 || r.Coverage >= 1 {
		return ""
	}
	return fmt.Sprintf(r.words.OnlyPartly, percent(fraction(r.Coverage)))
}

const momentLayout = "2006-01-02 15:04:05"

// tables are the sheets of rows, in their order. readTrial comes before.
func (r *Report) tables() []*table {
	tables := []*table{r.trialTable(), r.matchedTable()}
	for _, k := range r.Kinds {
		tables = append(tables, r.kindTable(k))
	}
	tables = append(tables, r.transitTable(), r.heldTable(), r.owedTable(), r.daysTable())
	if r.withoutSum.Operations > 0 {
		tables = append(tables, r.withoutTable())
	}
	if r.NotCompared.MembersFailed > 0 {
		tables = append(tables, r.notReadTable())
	}
	return tables
}
