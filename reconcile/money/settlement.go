package money

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Settlement sets points that were redeemed against the shops that had granted them to the member: in
// proportion to what each shop granted to that member, as no record says which points are used.
type Settlement struct {
	Cells []SettlementCell `json:"cells"`
	// Points and Fen are of all cells; RestFen is what the cells' amounts lack of the exact sum,
	// rounded once.
	Points  int64 `json:"points"`
	Fen     int64 `json:"amount_fen"`
	RestFen int64 `json:"rounding_fen"`
	// UnknownShop are points of records that name no shop, UnknownGranter of members to whom the ledger
	// granted nothing, or at no shop.
	UnknownShop    int64 `json:"unknown_redeeming_shop_points"`
	UnknownGranter int64 `json:"unknown_granting_shop_points"`
}

// SettlementCell is what the members of one shop redeemed at another: what the first owes the second.
type SettlementCell struct {
	// Granted and Redeemed are shop codes; empty: not known.
	Granted  string `json:"granting_shop"`
	Redeemed string `json:"redeeming_shop"`
	Points   int64  `json:"points"`
	// Fen is at the value of a point on the day, not more than half a fen off.
	Fen int64 `json:"amount_fen"`
}

// settleBatch is how many redemptions are looked up at once.
const settleBatch = 500

// settling adds redemptions up.
type settling struct {
	tx    pgx.Tx
	asked *Asked
	batch []Redemption
	cells map[settleKey]*settleCell
}

func (s *settling) add(ctx context.Context, r Redemption) error {
	s.batch = append(s.batch, r)
	if len(s.batch) < settleBatch {
		return nil
	}
	return s.flush(ctx)
}

// sqlGranted is what each shop granted to members, less what was taken back, up to a day: by the index of
// members, and for those behind scanned codes by that of their postings. No rows for a member: nothing.
const sqlGranted = `
WITH granted AS (
    SELECT o.id, o.member_id AS member
      FROM operations o
     WHERE o.member_id = ANY(@members::text[]) AND o.target = @account AND o.kind = 'points_add' AND o.points > 0
    UNION ALL
    SELECT p.operation_id, p.member_id
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE p.by_code AND p.member_id = ANY(@members::text[]) AND o.target = @account AND o.kind = 'points_add' AND o.member_id IS NULL
)
SELECT g.member, COALESCE(o.shop_code, '') AS shop, sum(o.points - COALESCE(taken.points, 0))::bigint AS points
  FROM granted g
  JOIN operations o ON o.id = g.id
  LEFT JOIN LATERAL (
    SELECT sum(t.points) AS points
      FROM reversals r
      JOIN operations t ON t.id = r.operation_id
     WHERE r.origin_id = o.id AND t.kind = 'points_deduct' AND t.business_date <= @through::date
  ) AS taken ON true
 WHERE o.business_date <= @through::date
   AND NOT EXISTS (SELECT 1 FROM postings p LEFT JOIN corrections c ON c.operation_id = p.operation_id WHERE p.operation_id = o.id AND p.kind = 'voided' AND c.operation_id IS NULL)
 GROUP BY g.member, shop
HAVING sum(o.points - COALESCE(taken.points, 0)) > 0
 ORDER BY g.member, points DESC, shop`

// shopPoints is what a shop granted.
type shopPoints struct {
	shop   string
	points int64
}

func (s *settling) flush(ctx context.Context) error {
	members := map[string][]shopPoints{}
	for _, r := range s.batch {
		members[r.Member] = nil
	}
	rows, err := s.tx.Query(ctx, sqlGranted, pgx.StrictNamedArgs{"members": slices.Collect(maps.Keys(members)), "account": s.asked.Account, "through": string(s.asked.To)})
	if err != nil {
		return fmt.Errorf("read what shops granted: %w", err)
	}
	var member string
	var g shopPoints
	if _, err := pgx.ForEachRow(rows, []any{&member, &g.shop, &g.points}, func() error {
		members[member] = append(members[member], g)
		return nil
	}); err != nil {
		return fmt.Errorf("read what shops granted: %w", err)
	}
	for _, r := range s.batch {
		value := s.asked.Values.at(r.Day)
		if value == nil {
			return fmt.Errorf("%w: %s, on which points were redeemed", ErrBeforeFirstEntry, r.Day)
		}
		for _, part := range shared(r.Points, members[r.Member]) {
			key := settleKey{part.shop, r.Shop}
			c := s.cells[key]
			if c == nil {
				c = &settleCell{fen: new(big.Rat)}
				s.cells[key] = c
			}
			c.points += part.points
			fen := new(big.Rat).SetInt64(part.points)
			c.fen.Add(c.fen, fen.Mul(fen, value.FenPerPoint))
		}
	}
	s.batch = s.batch[:0]
	return nil
}

// shared divides points among shops in proportion to what they granted, in whole points: those that are
// left over go to the largest fractions.
func shared(points int64, granted []shopPoints) []shopPoints {
	if len(granted) == 0 {
		return []shopPoints{{"", points}}
	}
	all := new(big.Int)
	for _, g := range granted {
		all.Add(all, big.NewInt(g.points))
	}
	parts := make([]shopPoints, len(granted))
	fractions := make([]*big.Int, len(granted))
	left := points
	for i, g := range granted {
		whole, fraction := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(points), big.NewInt(g.points)), all, new(big.Int))
		parts[i], fractions[i] = shopPoints{g.shop, whole.Int64()}, fraction
		left -= parts[i].points
	}
	order := make([]int, len(granted))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(fractions[b].Cmp(fractions[a]), cmp.Compare(granted[a].shop, granted[b].shop))
	})
	for _, i := range order[:left] {
		parts[i].points++
	}
	return slices.DeleteFunc(parts, func(p shopPoints) bool { return p.points == 0 })
}

func (s *settling) settlement() *Settlement {
	sum, all := &Settlement{Cells: []SettlementCell{}}, new(big.Rat)
	for _, key := range slices.SortedFunc(maps.Keys(s.cells), func(a, b settleKey) int {
		return cmp.Or(cmp.Compare(a.granted, b.granted), cmp.Compare(a.redeemed, b.redeemed))
	}) {
		c := s.cells[key]
		cell := SettlementCell{Granted: key.granted, Redeemed: key.redeemed, Points: c.points, Fen: rounded(c.fen)}
		sum.Cells = append(sum.Cells, cell)
		sum.Points += cell.Points
		sum.RestFen -= cell.Fen
		if key.granted == "" {
			sum.UnknownGranter += cell.Points
		}
		if key.redeemed == "" {
			sum.UnknownShop += cell.Points
		}
		all.Add(all, c.fen)
	}
	sum.Fen = rounded(all)
	sum.RestFen += sum.Fen
	return sum
}
