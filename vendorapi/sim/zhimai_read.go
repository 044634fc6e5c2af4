package sim

import (
	"strconv"
	"time"
)

// readOnly answers the three actions that change nothing.
func (s *Simulator) readOnly(action string, req zhimaiRequest, set *settings) answer {
	if refused := s.checkCommon(req, set); refused != nil {
		return *refused
	}
	switch action {
	case "user.user-points-records":
		return s.pointsRecords(req.params, set)
	case "user.my-cards":
		return s.myCards(req.params)
	}
	return s.identity(req.params, set.identity)
}

func (s *Simulator) badParameter(message string) zhimaiAnswer {
	return s.refusal(s.cfg.Zhimai.BadRequestCode, "参数错误:"+message)
}

func (s *Simulator) unknownMember() zhimaiAnswer {
	return s.refusal(s.cfg.Zhimai.UnknownMemberCode, "查询的信息不存在")
}

// maxPageSize is the largest page; the pages give no limit.
const maxPageSize = 1000

// orDefault reads a positive whole number; empty means the default, and false
// means that it is neither.
func orDefault(text string, value, most int) (int, bool) {
	if text == "" {
		return value, true
	}
	if !inRange(text, most) {
		return 0, false
	}
	n, _ := strconv.Atoi(text) // checked by inRange
	return n, true
}

// pointsRecords is user.user-points-records. No record at all is data: [].
func (s *Simulator) pointsRecords(p map[string]string, set *settings) answer {
	page, ok := orDefault(p["page"], 1, 1_000_000)
	if !ok {
		return s.badParameter("page 应为正整数")
	}
	size, ok := orDefault(p["page_size"], 10, maxPageSize)
	if !ok {
		return s.badParameter("page_size 应为 1 至 1000")
	}
	filter := recordFilter(p["type"])
	switch filter {
	case "":
		filter = "all"
	case "all", "in", "out":
	default:
		return s.badParameter("type 应为 all、in 或 out")
	}
	if !s.members.exists(p["user_id"]) {
		return s.unknownMember()
	}
	cfg := set.records
	if cfg.PageCap > 0 {
		size = min(size, cfg.PageCap)
	}
	rows, total := s.members.page(p["user_id"], page, size, filter, s.drawView(cfg))
	if s.drawHabit(cfg.ShortPageRate) {
		rows = rows[:len(rows)/2]
	}
	if total == 0 || s.drawHabit(cfg.EmptyRate) {
		return zhimaiAnswer{code: "0", message: "操作成功"}
	}
	list := make([]any, len(rows))
	for i, r := range rows {
		list[i] = r.row(cfg)
	}
	data := map[string]any{"item_list": list}
	if cfg.Shape == ShapeB {
		data = map[string]any{"data": data}
	} else {
		data["current_page"], data["per_page"] = page, size
		data["last_page"], data["total"] = (total+size-1)/size, total
	}
	if cfg.Strings {
		data = stringify(data).(map[string]any)
	}
	return zhimaiAnswer{code: "0", message: "操作成功", data: data}
}

// sourceNames are the source types of user.points-add, from 1.
var sourceNames = [...]string{"消费增加", "关注有礼", "会员特权", "商家手动补发", "积分签到", "满赠活动",
	"抽奖得积分", "储值赠送", "资产迁入", "登录获积分", "评价得积分", "完善会员资料得积分"}

// row is a record in the configured shape.
func (r record) row(cfg RecordsConfig) map[string]any {
	kind, sign := 1, "+"
	if r.spent {
		kind, sign = 2, "-"
	}
	text := cutText(r.text, cfg.ReasonCut)
	echo := cfg.EchoReason
	if cfg.EchoPerRecord {
		echo = r.echoed
	}
	if r.sourceType > 0 && !echo {
		text = sourceNames[r.sourceType-1]
	}
	row := map[string]any{"type": kind, "points": r.points, "created_at": r.at.In(cfg.zone()).Format(time.DateTime)}
	if cfg.Shape == ShapeB {
		row["source_desc"] = text
		return row
	}
	row["previous_point"], row["desc"] = r.previous, text
	row["change_text"] = sign + strconv.FormatInt(r.points, 10)
	row["sub_type"], row["sub_name"] = 0, ""
	if r.spent {
		row["sub_type"], row["sub_name"] = 2, text
	}
	return row
}

// myCards is user.my-cards: up to three cards, the same ones each time.
func (s *Simulator) myCards(p map[string]string) answer {
	id := p["user_id"]
	switch p["needCycleCard"] {
	case "", "0", "1":
	default:
		return s.badParameter("needCycleCard 应为 0 或 1")
	}
	if !s.members.exists(id) {
		return s.unknownMember()
	}
	h := hashKey(0, "cards", id)
	cards := []any{}
	for i := uint64(0); i < h%4; i++ {
		status, words, bound := "4", "已绑定", "1"
		if i == 2 {
			if p["needCycleCard"] != "1" {
				continue
			}
			status, words, bound = "6", "已回收", "0"
		}
		face := strconv.FormatUint((h>>(8*i)%5+1)*100, 10)
		cards = append(cards, map[string]any{
			"id": id + strconv.FormatUint(i, 10), "gift_card_id": strconv.FormatUint(h>>16%1000, 10),
			"gift_title": face + "元礼品卡", "par_value": face, "deduct_amount": face, "cover": "",
			"expired_desc": "长期有效", "bind_status": bound, "beginAt": "2026-01-01 00:00:00", "endAt": "",
			"createdAt": "2026-01-01 00:00:00", "status": status, "status_desc": words, "validType": "1", "isErp": "0",
		})
	}
	return zhimaiAnswer{code: "0", message: "操作成功", data: cards}
}
