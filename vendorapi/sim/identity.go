package sim

import (
	"encoding/json"
	"fmt"
	"time"
)

// Nobody is what communal.user.identity answers for a code, card or account
// that is nobody's. The page lists a business exception; a client of the vendor
// met a success with id 0.
type Nobody string

const (
	// NobodyRefused is the page's business exception. It is the default.
	NobodyRefused Nobody = "refused"
	// These are successes (status true, code 0) whose user_info has this id.
	NobodyZero       Nobody = "zero"        // 0
	NobodyZeroString Nobody = "zero_string" // "0"
	NobodyEmpty      Nobody = "empty"       // ""
	NobodyNull       Nobody = "null"        // null
	NobodyNullString Nobody = "null_string" // "null"
	NobodyAbsent     Nobody = "absent"      // no id
	NobodyNegative   Nobody = "negative"    // -1
	NobodyWord       Nobody = "word"        // "guest"
	// NobodyNoInfo is a success without user_info.
	NobodyNoInfo Nobody = "no_info"
)

// nobodyIDs is the id of each success; nil stands for JSON's null.
var nobodyIDs = map[Nobody]any{NobodyZero: 0, NobodyZeroString: "0", NobodyEmpty: "", NobodyNull: nil, NobodyNullString: "null",
	NobodyNegative: -1, NobodyWord: "guest"}

// IdentityConfig is how communal.user.identity behaves.
type IdentityConfig struct {
	// Nobody; empty means NobodyRefused.
	Nobody Nobody
	// BalanceSince shows the balances as they were then, whatever moved since
	// (a copy that stands still). The zero time shows what is.
	BalanceSince time.Time
}

func (i IdentityConfig) withDefaults() IdentityConfig {
	if i.Nobody == "" {
		i.Nobody = NobodyRefused
	}
	return i
}

func (i IdentityConfig) validate() error {
	if _, ok := nobodyIDs[i.Nobody]; !ok && i.Nobody != NobodyRefused && i.Nobody != NobodyAbsent && i.Nobody != NobodyNoInfo {
		return fmt.Errorf("nobody: want refused, zero, zero_string, empty, null, null_string, absent, negative, word or no_info, got %q", i.Nobody)
	}
	return nil
}

// nobody is the answer for a code that is nobody's.
func (s *Simulator) nobody(n Nobody) answer {
	if n == NobodyRefused {
		return s.unknownMember()
	}
	info := map[string]any{"nickname": "", "username": "", "mobile": "", "status": 1, "user_points": 0, "user_coupons": []any{}}
	if n != NobodyAbsent {
		info["id"] = nobodyIDs[n]
	}
	data := map[string]any{"user_info": info}
	if n == NobodyNoInfo {
		data = map[string]any{}
	}
	return zhimaiAnswer{code: "0", message: "操作成功", data: data}
}

// identity is communal.user.identity. user_wealth_info and the rest stand
// inside user_info, as in the page's example.
func (s *Simulator) identity(p map[string]string, cfg IdentityConfig) answer {
	var id string
	var ok bool
	wrong := false
	switch p["type"] {
	case "1":
		id, ok = s.members.resolve(s.cfg.Members.Mobiles, "", p["mobile"])
		_, explicit := s.cfg.Members.Mobiles[p["mobile"]]
		ok = ok && (explicit || len(p["mobile"]) == 11)
		wrong = p["password"] == "" || p["password"] == "wrong"
	case "2":
		id, ok = s.members.resolve(s.cfg.Members.Cards, "CARD", p["card_number"])
		wrong = p["card_password"] == "" || p["card_password"] == "wrong"
	case "3":
		id, ok = s.members.resolve(s.cfg.Members.UserCodes, "UC", p["user_code"])
	case "4":
		id, ok = p["user_id"], s.members.exists(p["user_id"])
	default:
		return s.badParameter("type 应为 1 至 4")
	}
	if !ok || wrong {
		return s.nobody(cfg.Nobody)
	}
	info := map[string]any{
		"id": jsonID(id), "nickname": "会员" + id[max(0, len(id)-4):], "username": "u" + id, "mobile": "",
		"status": 1, "user_points": s.members.balanceAt(id, cfg.BalanceSince), "user_coupons": []any{},
		"user_wealth_info": map[string]any{"gift_amount": 0, "recharge_amount": 0, "total_amount": 0},
		"multi_store_id":   0, "is_open_points_pay": 0,
		"pay_rule": map[string]any{"points_num_type": 1, "points_num": 0.01, "exchange_astrict": 20},
	}
	if p["type"] == "1" {
		info["mobile"] = p["mobile"]
	}
	if s.members.isFrozen(id) {
		info["status"] = 0
	}
	return zhimaiAnswer{code: "0", message: "操作成功", data: map[string]any{"user_info": info}}
}

// jsonID is the id as a number, as the page's table says, however long; an id
// that begins with 0 can only be a string.
func jsonID(id string) any {
	if id[0] == '0' && id != "0" {
		return id
	}
	return json.Number(id)
}
