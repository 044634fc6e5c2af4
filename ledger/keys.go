package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
)

// LegChars is the length of a leg code, the letters at the start of a BizID
// that tell apart the operations of one event.
const LegChars = 2

// bizHashChars of base32 carry 130 bits of the digest: a collision among 10^12
// keys has a chance below 10^-15.
const bizHashChars = 26

// BizIDChars is the length of a BizID.
const BizIDChars = LegChars + bizHashChars

// ReferenceChars is the length of a reference: 12 characters with 60 bits of
// the digest, and a check character.
const ReferenceChars = 13

// Crockford is Crockford's base32 alphabet: no I, L, O or U, so that a
// reference read out over the telephone is hard to get wrong.
const Crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewBizID makes the dedup key of one vendor call from what identifies it:
// account name, scope, type, the key fields' values, and the leg, which is
// hashed last and stands in front readable. It depends on nothing else, so a
// ledger that is rebuilt from the stream has the same keys.
//
// Each part is hashed behind its length (four bytes, big-endian), so that
// ("ab","c") and ("a","bc") differ. The result has one form only, 28 characters
// of [a-z0-9]: many vendors compare without case and cut what is long.
func NewBizID(leg string, parts ...string) BizID {
	var space [512]byte
	text := space[:0]
	for _, part := range parts {
		text = appendPart(text, part)
	}
	text = appendPart(text, leg)
	sum := sha256.Sum256(text)

	var id [BizIDChars]byte
	return BizID(appendBase32(append(id[:0], leg...), sum[:], bizHashChars))
}

// appendBase32 appends the first n characters of the lower-case RFC 4648
// base32 of digest. encoding/base32 would build its table anew for each key.
func appendBase32(to, digest []byte, n int) []byte {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	var bits, held uint
	for next := 0; n > 0; n-- {
		if held < 5 {
			bits = bits<<8 | uint(digest[next])
			next++
			held += 8
		}
		held -= 5
		to = append(to, alphabet[bits>>held&31])
	}
	return to
}

func appendPart(to []byte, part string) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(part)))
	return append(to, part...)
}

// ReferenceOf is the short form of a BizID that stands at the end of a reason:
// 12 Crockford characters of the BizID's SHA-256 and a check character. It is
// the only way to match a vendor's record exactly, as records show no bizId
// (Zhimai user.user-points-records page).
func ReferenceOf(id BizID) string {
	sum := sha256.Sum256([]byte(id))
	bits := binary.BigEndian.Uint64(sum[:8])
	var text [ReferenceChars]byte
	for i := range ReferenceChars - 1 {
		text[i] = Crockford[bits>>(59-5*i)&31]
	}
	check, _ := checkCharacter(text[:ReferenceChars-1])
	text[ReferenceChars-1] = check
	return string(text[:])
}

// ValidReference says whether s is a reference whose check character fits.
// Lower case is accepted, and so are i and l for 1 and o for 0.
func ValidReference(s string) bool {
	_, ok := CanonicalReference(s)
	return ok
}

// CanonicalReference is s as ReferenceOf writes it; false when s is not a
// reference or its check character does not fit, as after a typing error.
func CanonicalReference(s string) (string, bool) {
	if len(s) != ReferenceChars {
		return "", false
	}
	var text [ReferenceChars]byte
	for i := range ReferenceChars {
		text[i] = CanonicalCharacter(s[i])
	}
	check, ok := checkCharacter(text[:ReferenceChars-1])
	if !ok || check != text[ReferenceChars-1] {
		return "", false
	}
	return string(text[:]), true
}

// CanonicalCharacter is a typed character as Crockford's alphabet has it: upper
// case, 1 for I and L, 0 for O. Other characters stay as they are.
func CanonicalCharacter(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'I', 'L':
		return '1'
	case 'O':
		return '0'
	}
	return c
}

// checkCharacter is Luhn's check modulo 32 over the Crockford alphabet: every
// single wrong character and almost every swap of neighbours is noticed. It is
// false when a character is not of the alphabet.
func checkCharacter(text []byte) (byte, bool) {
	sum, double := 0, true
	for i := len(text) - 1; i >= 0; i-- {
		digit := crockfordDigit(text[i])
		if digit < 0 {
			return 0, false
		}
		if double {
			digit *= 2
			digit = digit/32 + digit%32
		}
		sum += digit
		double = !double
	}
	return Crockford[(32-sum%32)%32], true
}

func crockfordDigit(c byte) int {
	for i := range len(Crockford) {
		if Crockford[i] == c {
			return i
		}
	}
	return -1
}

// FactKey names a business fact: a paid order, a check-in, a review. It is made
// of what makes the dedup keys of its operations, without account and leg, so
// rules that name another account find the same fact. Zero is none.
type FactKey [16]byte

// NewFactKey hashes the parts that name a fact: scope, type and the key fields'
// values. Each is hashed behind its length, as for NewBizID. 128 bits of the
// digest are kept: two of 10^12 facts share them with a chance below 10^-14.
func NewFactKey(parts ...string) FactKey {
	var space [512]byte
	text := space[:0]
	for _, part := range parts {
		text = appendPart(text, part)
	}
	sum := sha256.Sum256(text)
	return FactKey(sum[:len(FactKey{})])
}

// String is the key as Postgres writes it.
func (k FactKey) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[:4], k[4:6], k[6:8], k[8:10], k[10:])
}

// OperationKey identifies an operation for ever: account and dedup key.
type OperationKey struct {
	Account string
	BizID   BizID
}

// sqlHoldsOlder tells whether an operation has no fact key, by
// operations_one_per_fact. Locks nothing.
const sqlHoldsOlder = `SELECT EXISTS (SELECT 1 FROM operations WHERE fact_key IS NULL)`

// older remembers whether the ledger holds operations from before fact keys.
// They stay for ever once they are there. Safe for concurrent use.
type older struct{ state atomic.Int32 }

const (
	olderUnknown int32 = iota
	olderThere
	olderNone
)

// there asks the database at first, and again after doubt.
func (o *older) there(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	if state := o.state.Load(); state != olderUnknown {
		return state == olderThere, nil
	}
	var found bool
	if err := pool.QueryRow(ctx, sqlHoldsOlder).Scan(&found); err != nil {
		return false, fmt.Errorf("look for operations without a fact key: %w", err)
	}
	if found {
		o.state.Store(olderThere)
	} else {
		o.state.Store(olderNone)
	}
	return found, nil
}

// doubt is called when a key clashed: an older program may write beside us.
func (o *older) doubt() { o.state.CompareAndSwap(olderNone, olderUnknown) }
