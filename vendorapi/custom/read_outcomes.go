package custom

import (
	"maps"
	"slices"
	"strconv"

	"pointsledger/vendorapi"
)

// Words for what only a call that reads can mean.
const (
	// meansAnswered is the file's word for a read that was answered.
	meansAnswered = "answered"
	// meansNobody: the vendor answered well, and knows no such member.
	meansNobody = "nobody"
)

// meaningsOf are outcomes by their own names.
func meaningsOf(outcomes ...vendorapi.Outcome) map[string]meaning {
	all := map[string]meaning{}
	for _, o := range outcomes {
		all[o.String()] = meaning{outcome: o}
	}
	return all
}

// pointsMeanings are what an outcome of a points call may mean.
func pointsMeanings() map[string]meaning {
	return meaningsOf(vendorapi.Applied, vendorapi.AlreadyApplied, vendorapi.Refused, vendorapi.Unauthorised,
		vendorapi.Throttled, vendorapi.Retryable, vendorapi.Unknown)
}

// readMeanings are what an outcome of a call that reads may mean.
func readMeanings() map[string]meaning {
	all := meaningsOf(vendorapi.Refused, vendorapi.Unauthorised, vendorapi.Throttled, vendorapi.Unknown)
	all[meansAnswered] = meaning{outcome: vendorapi.Applied, reads: true}
	return all
}

// memberMeanings are those of a call that asks who a member is.
func memberMeanings() map[string]meaning {
	all := readMeanings()
	all[meansNobody] = meaning{outcome: vendorapi.Refused, reads: true, nobody: true}
	return all
}

// readOutcomesOrDefault reads the outcomes of a call that reads; without any, what
// HTTP says counts, and a body that is not as it should be is unreadable all the same.
func (r *reader) readOutcomesOrDefault(t vendorapi.Tree, meanings map[string]meaning) []outcome {
	if t.Given() {
		all := r.readOutcomes(t, meanings)
		if t.Kind == vendorapi.TreeList && !slices.ContainsFunc(all, func(o outcome) bool { return o.means.outcome == vendorapi.Applied }) {
			r.problem(t, "want at least one that means answered, or nothing would ever be read")
		}
		return all
	}
	return []outcome{
		{statuses: []statuses{{401, 401, false}, {403, 403, false}}, means: meaning{outcome: vendorapi.Unauthorised}},
		{statuses: []statuses{{429, 429, false}}, means: meaning{outcome: vendorapi.Throttled}},
		{statuses: []statuses{success}, means: meanings[meansAnswered]},
	}
}

var success = statuses{200, 299, true}

func (r *reader) readOutcomes(t vendorapi.Tree, meanings map[string]meaning) []outcome {
	if t.Kind != vendorapi.TreeList || len(t.Items) == 0 {
		r.problem(t, "want a list of what answers mean, such as {status: 200, at: {/errcode: [0]}, means: applied}")
		return nil
	}
	all := make([]outcome, 0, len(t.Items))
	for _, item := range t.Items {
		all = append(all, r.readOutcome(item, meanings))
	}
	return all
}

func (r *reader) readOutcome(t vendorapi.Tree, meanings map[string]meaning) outcome {
	if !r.names(t, "a mapping such as {status: 200, at: {/errcode: [0]}, means: applied}", "status", "at", "empty", "means", "code", "words") {
		return outcome{}
	}
	o := outcome{statuses: r.readStatuses(t.Get("status")), at: r.readConditions(t.Get("at")), code: r.pointer(t.Get("code")), words: r.pointer(t.Get("words"))}
	if empty := t.Get("empty"); empty.Given() {
		o.empty = empty.Text == "true"
		if empty.Kind != vendorapi.TreeBool || !o.empty {
			r.problem(empty, "want true, or leave it out")
		}
	}
	if o.empty && len(o.at) > 0 {
		r.problem(t, "an answer without a body has nothing at a pointer: want empty or at, not both")
	}
	word, known := r.oneOf(t.Get("means"), slices.Sorted(maps.Keys(meanings)))
	if !known {
		return o
	}
	o.means = meanings[word]
	r.checkProof(t, o)
	return o
}

// checkProof sees to it that a status alone proves nothing that it cannot prove.
func (r *reader) checkProof(t vendorapi.Tree, o outcome) {
	if o.empty || len(o.at) > 0 || o.means.outcome == vendorapi.Unknown {
		return
	}
	within := func(least, most int) bool {
		return slices.ContainsFunc(o.statuses, func(s statuses) bool { return s.most >= least && s.least <= most })
	}
	switch {
	case o.means.reads: // what it needs of the body is looked for anyway
	case o.means.outcome == vendorapi.Applied || o.means.outcome == vendorapi.AlreadyApplied && within(200, 299):
		r.problem(t, "a status alone does not prove it: a page of a proxy has the same. Say what stands in the body (at: {/errcode: [0]}), or empty: true where the vendor sends none")
	case within(300, 399) || within(500, 599):
		r.problem(t, "a status of 3xx or 5xx alone may come from a proxy after the vendor has applied the call: say what stands in the body (at: …), or leave it unknown")
	}
}

// readStatuses reads 200, 4xx, or a list of such; without any it is 2xx.
func (r *reader) readStatuses(t vendorapi.Tree) []statuses {
	items := []vendorapi.Tree{t}
	switch {
	case !t.Given():
		return []statuses{success}
	case t.Kind == vendorapi.TreeList:
		items = t.Items
	}
	var all []statuses
	for _, item := range items {
		s, ok := parseStatuses(item.Text)
		if !ok || !item.IsPlain() {
			r.problem(item, "want an HTTP status such as 200, or 2xx, 3xx, 4xx, 5xx, got %q", item.Text)
			continue
		}
		all = append(all, s)
	}
	return all
}

func parseStatuses(text string) (statuses, bool) {
	if len(text) != 3 || text[0] < '2' || text[0] > '5' {
		return statuses{}, false
	}
	if text[1:] == "xx" {
		least := 100 * int(text[0]-'0')
		return statuses{least, least + 99, true}, true
	}
	n, err := strconv.Atoi(text)
	return statuses{n, n, false}, err == nil
}

// readConditions reads pointers and the values that fit there; all must.
func (r *reader) readConditions(t vendorapi.Tree) []condition {
	if !t.Given() {
		return nil
	}
	if t.Kind != vendorapi.TreeMap || len(t.Names) == 0 {
		r.problem(t, "want JSON pointers and the values that fit there, such as {/errcode: [0]}")
		return nil
	}
	var all []condition
	for i, name := range t.Names {
		at, err := parsePointer(name)
		if err != nil {
			r.problem(t.Items[i], "want a JSON pointer such as /errcode, got %q", name)
			continue
		}
		c := condition{at: at}
		items := []vendorapi.Tree{t.Items[i]}
		if t.Items[i].Kind == vendorapi.TreeList {
			items = t.Items[i].Items
		}
		for _, item := range items {
			c.values = append(c.values, r.readWanted(item))
		}
		if len(c.values) == 0 {
			r.problem(t.Items[i], "want at least one value; an empty list as a value is [[]]")
		}
		all = append(all, c)
	}
	return all
}

func (r *reader) readWanted(t vendorapi.Tree) wanted {
	present := t.Get("present")
	switch {
	case t.IsPlain():
		return wanted{wantedText, t.Text}
	case t.Kind == vendorapi.TreeNull:
		return wanted{kind: wantedNull}
	case t.Kind == vendorapi.TreeList && len(t.Items) == 0:
		return wanted{kind: wantedEmptyList}
	case t.Kind == vendorapi.TreeMap && len(t.Names) == 0:
		return wanted{kind: wantedEmptyObject}
	case t.Kind == vendorapi.TreeMap && len(t.Names) == 1 && present.Kind == vendorapi.TreeBool && present.Text == "true":
		return wanted{kind: wantedPresent}
	}
	r.problem(t, "want a plain value, null, [], {} or {present: true}")
	return wanted{}
}
