package money

import (
	"context"
	"math/big"

	"github.com/jackc/pgx/v5"
)

// FileStanding is what was told of redemptions, besides what was kept.
type FileStanding struct {
	// Records are those of the days up to the last one asked for; Later of days behind it, which are left out.
	Records int64 `json:"records"`
	Later   int64 `json:"later_records"`
	// Kept are of days before the first one for which other journals were told already: left out.
	Kept int64 `json:"kept_before"`
	// First and Last are the days of the first and the last record.
	First Day `json:"first"`
	Last  Day `json:"last"`
}

// take adds redemptions to what was kept: of the days asked for they are the truth, of earlier ones what
// was kept is.
func (made *Journal) take(ctx context.Context, tx pgx.Tx, a *Asked, known told) error {
	kept := known.of(a.Account)
	fresh, file := map[Day]usedUp{}, &FileStanding{}
	var s *settling
	if a.Settle {
		s = &settling{tx: tx, asked: a, cells: map[settleKey]*settleCell{}}
	}
	for r, err := range a.Redemptions {
		if err != nil {
			return err
		}
		if r.Day > a.To {
			file.Later++
			continue
		}
		if _, is := kept[r.Day]; is && r.Day < a.From {
			file.Kept++
			continue
		}
		file.Records++
		if file.First == "" || r.Day < file.First {
			file.First = r.Day
		}
		file.Last = max(file.Last, r.Day)
		u := fresh[r.Day]
		if r.Expired {
			u.expired += r.Points
		} else {
			u.redeemed += r.Points
		}
		fresh[r.Day] = u
		if s != nil && !r.Expired && r.Day >= a.From {
			if err := s.add(ctx, r); err != nil {
				return err
			}
		}
	}
	if s != nil {
		if err := s.flush(ctx); err != nil {
			return err
		}
		made.Settlement = s.settlement()
	}
	// A day without a record is a day without redemptions.
	begin := a.From
	if file.First != "" {
		begin = min(begin, file.First)
	}
	made.told = map[Day]usedUp{}
	for d := begin; d <= a.To; d = d.after() {
		was, is := kept[d]
		if is && (d < a.From || was == fresh[d]) {
			continue
		}
		made.told[d] = fresh[d]
		kept[d] = fresh[d]
	}
	made.File = file
	return nil
}

// settleKey is a shop that granted points, and one where they were redeemed; empty: not known.
type settleKey struct{ granted, redeemed string }

type settleCell struct {
	points int64
	fen    *big.Rat
}
