package seal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
	"pointsledger/rules"
)

// ruleFile is a registered rule file, compiled when it is needed first.
type ruleFile struct {
	rules *rules.Rules
	// problem is why it cannot be used; empty: it can.
	problem string
	// missing: no such file is registered, or its text is not what it was.
	missing bool
	counted int64
}

// sqlRuleFile is the text of a rule file (mappings_pkey).
const sqlRuleFile = `SELECT text FROM mappings WHERE version = $1`

// recomputing maps operations once more, from their own event data.
type recomputing struct {
	*verification
	check *Check
	files map[string]*ruleFile
	// last is the event of the row before: an event's operations mostly lie together.
	last      *ledger.Event
	rejected  *ledger.Rejection
	lastOf    eventKey
	unchecked map[string]int64
	// whole are facts of more than one operation, with how many they have.
	whole map[[16]byte]wholeFact
}

type eventKey struct {
	version, source, id, typ, data string
	at, broker                     time.Time
}

type wholeFact struct {
	want        int
	id          int64
	businessKey string
}

func (v *verification) recomputing(c *Check) *recomputing {
	return &recomputing{verification: v, check: c, files: map[string]*ruleFile{}, unchecked: map[string]int64{}, whole: map[[16]byte]wholeFact{}}
}

// file compiles a rule file, once.
func (r *recomputing) file(ctx context.Context, version string) (*ruleFile, error) {
	if f := r.files[version]; f != nil {
		return f, nil
	}
	f := &ruleFile{}
	r.files[version] = f
	var text string
	err := optional(r.by.Pool.QueryRow(ctx, sqlRuleFile, version).Scan(&text))
	switch sum := sha256.Sum256([]byte(text)); {
	case err != nil:
		return nil, fmt.Errorf("read rule file: %w", err)
	case text == "":
		f.missing, f.problem = true, "no rule file "+version+" is registered"
	case !strings.HasPrefix(hex.EncodeToString(sum[:]), version):
		f.missing, f.problem = true, "the text of the rule file "+version+" is not the one that was registered"
	default:
		var err error
		if f.rules, err = r.by.Rules([]byte(text)); err != nil {
			f.problem = fmt.Sprintf("this program cannot read the rule file %s: %v", version, err)
		}
	}
	return f, nil
}

// operation maps the event of an operation once more and compares.
func (r *recomputing) operation(ctx context.Context, s *story) error {
	f, err := r.file(ctx, s.version)
	if err != nil {
		return err
	}
	if f.problem != "" {
		if f.missing && f.counted == 0 {
			r.found(r.check, s.finding(RulesMissing, "%s", f.problem))
		}
		f.counted++
		r.unchecked[f.problem]++
		return nil
	}
	r.check.Checked++
	event, rejection := r.event(f.rules, s)
	switch {
	case rejection != nil:
		r.found(r.check, s.finding(Recomputed, "its own event would be rejected by the rules %s: %s", s.version, rejection.Reason))
	case event == nil:
		r.found(r.check, s.finding(Recomputed, "the rules %s ignore its event", s.version))
	case event.Refers != nil:
		r.compareReferring(s, event)
	default:
		r.compareOwn(s, event)
	}
	if len(r.whole) >= wholeMost {
		return r.checkWhole(ctx)
	}
	return nil
}

// event is the operation's event, mapped once more.
func (r *recomputing) event(by *rules.Rules, s *story) (*ledger.Event, *ledger.Rejection) {
	k := eventKey{s.version, s.source, s.eventID, s.typ, s.data, s.eventTime, s.brokerTime}
	if k == r.lastOf {
		return r.last, r.rejected
	}
	envelope, err := json.Marshal(map[string]any{"specversion": "1.0", "id": s.eventID, "source": s.source, "type": s.typ,
		"time": s.eventTime.UTC().Format(time.RFC3339Nano), "data": json.RawMessage(s.data)})
	if err != nil {
		return nil, ledger.Rejectf(ledger.NotJSON, "its data are no JSON")
	}
	r.last, r.rejected = by.Recompute(ledger.Message{BrokerTime: s.brokerTime, Seq: uint64(s.streamSeq), Payload: envelope})
	r.lastOf = k
	return r.last, r.rejected
}

// differs compares one value.
func (r *recomputing) differs(s *story, what string, is, want any) {
	if is != want {
		r.found(r.check, s.finding(Recomputed, "%s is %v, and by its own event and the rules %s it is %v", what, is, s.version, want))
	}
}

// compareOwn compares an operation with the one that the rules make.
func (r *recomputing) compareOwn(s *story, event *ledger.Event) {
	at := slices.IndexFunc(event.Operations, func(o ledger.Operation) bool { return o.Account == s.target && string(o.BizID) == s.bizID })
	if s.originID != nil {
		r.found(r.check, s.finding(Recomputed, "it takes back from operation %d, and its event is about no other", *s.originID))
		return
	}
	if at < 0 {
		at = 0
		if s.factLeg != nil && int(*s.factLeg) < len(event.Operations) {
			at = int(*s.factLeg)
		}
	}
	o := &event.Operations[at]
	r.differs(s, "target", s.target, o.Account)
	r.differs(s, "kind", s.kind, string(o.Kind))
	r.differs(s, "biz_id", s.bizID, string(o.BizID))
	r.differs(s, "points", s.points, int64(o.Points))
	r.differs(s, "member_id", s.memberID, o.MemberID)
	r.differs(s, "member_code", s.memberCode, o.MemberCode)
	r.differs(s, "source_type", int(s.sourceType), o.SourceType)
	r.differs(s, "points_channel", int(s.channel), o.PointsChannel)
	r.differs(s, "business_date", s.businessDate, o.BusinessDate)
	r.differs(s, "shop_code", s.shop, o.ShopCode)
	r.differs(s, "amount_fen", fen(s.amountFen), fen(o.AmountFen))
	r.differs(s, "business_key", s.businessKey, o.BusinessKey)
	r.common(s, event)
	if s.factKey == nil {
		return
	}
	r.differs(s, "fact_leg", int(*s.factLeg), at)
	if at == 0 && len(event.Operations) > 1 {
		r.whole[*s.factKey] = wholeFact{len(event.Operations), s.id, s.businessKey}
	}
}

// common compares what every operation has.
func (r *recomputing) common(s *story, event *ledger.Event) {
	reference := ledger.ReferenceOf(ledger.BizID(s.bizID))
	r.differs(s, "reference", s.reference, reference)
	if !strings.HasSuffix(s.reason, reference) {
		r.found(r.check, s.finding(Recomputed, "its reason does not end with its reference %s", reference))
	}
	r.differs(s, "data", s.data, event.Content)
	if s.factKey != nil {
		r.differs(s, "fact_key", ledger.FactKey(*s.factKey).String(), event.FactKey.String())
	}
}

// compareReferring compares what an event takes from an earlier operation.
func (r *recomputing) compareReferring(s *story, event *ledger.Event) {
	if s.originID == nil || s.originTarget == "" {
		r.found(r.check, s.finding(Recomputed, "its event takes back from an earlier operation, and the row that says which one is missing"))
		return
	}
	origin := ledger.OperationKey{Account: s.originTarget, BizID: ledger.BizID(s.originBizID)}
	own := ledger.OperationKey{Account: s.target, BizID: ledger.BizID(s.bizID)}
	key := ledger.ReferringBizID(ledger.Kind(s.kind), origin, event.FactKey)
	further := len(s.bizID) == ledger.BizIDChars && own.BizID == waiting.FurtherBizID(own, origin, event.FactKey)
	if !further {
		r.differs(s, "biz_id", s.bizID, string(key))
		r.differs(s, "amount_fen of what it takes", fen(s.shareFen), fen(shareOf(event.Refers)))
	}
	r.differs(s, "target", s.target, s.originTarget)
	r.differs(s, "member_id", s.memberID, s.originMember)
	r.differs(s, "member_code", s.memberCode, s.originCode)
	r.differs(s, "source_type", s.sourceType, s.originSourceType)
	r.differs(s, "points_channel", s.channel, s.originChannel)
	r.differs(s, "shop_code", s.shop, s.originShop)
	r.differs(s, "business_date", s.businessDate, event.Refers.BusinessDate)
	r.differs(s, "business_key", s.businessKey, event.Refers.BusinessKey)
	r.differs(s, "amount_fen", fen(s.amountFen), fen(event.Refers.ShareFen))
	if s.kind != string(ledger.ConsumeFrozen) {
		r.differs(s, "points", s.points, *s.keptBefore-*s.keptAfter)
	}
	r.common(s, event)
}

func shareOf(r *ledger.Referral) *int64 {
	if r.Consumes {
		return new(int64)
	}
	return r.ShareFen
}

// fen shows an amount that may be absent.
func fen(n *int64) string {
	if n == nil {
		return "absent"
	}
	return fmt.Sprint(*n)
}

// end says what could not be recomputed.
func (r *recomputing) end(ctx context.Context) error {
	for problem, n := range r.unchecked {
		r.check.Unchecked = strings.TrimPrefix(fmt.Sprintf("%s; %d operations: %s", r.check.Unchecked, n, problem), "; ")
	}
	return r.checkWhole(ctx)
}

// wholeMost bounds how many facts are asked about at once.
const wholeMost = 1000

// sqlCountLegs counts the operations of facts (operations_one_per_fact).
const sqlCountLegs = `
SELECT k.fact_key, (SELECT count(*) FROM operations o WHERE o.fact_key = k.fact_key) FROM unnest($1::uuid[]) AS k (fact_key)`

// checkWhole looks whether events with several operations have all of them.
func (r *recomputing) checkWhole(ctx context.Context) error {
	if len(r.whole) == 0 {
		return nil
	}
	keys := make([][16]byte, 0, len(r.whole))
	for k := range r.whole {
		keys = append(keys, k)
	}
	rows, err := r.by.Pool.Query(ctx, sqlCountLegs, keys)
	if err != nil {
		return fmt.Errorf("count the operations of events: %w", err)
	}
	var key [16]byte
	var n int
	_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error {
		if f := r.whole[key]; n != f.want {
			r.found(r.check, Finding{Kind: Recomputed, Table: "operations", ID: f.id, BusinessKey: f.businessKey,
				What: fmt.Sprintf("operations %d: its event makes %d operations, and %d are there", f.id, f.want, n)})
		}
		return nil
	})
	clear(r.whole)
	if err != nil {
		return fmt.Errorf("count the operations of events: %w", err)
	}
	return nil
}
