package report

import (
	"regexp"
	"strings"
	"time"

	"pointsledger/ledger"
)

// stamp is an instant inside what a comparison wrote down.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)`)

// seen is what a comparison wrote down of an item, as this report says it: its instants in
// the report's zone, and its sentences in the report's language.
func (r *Report) seen(evidence string) string {
	if r.asked.Lang == Chinese {
		evidence = inChinese(evidence)
	}
	return stamp.ReplaceAllStringFunc(evidence, func(found string) string {
		at, err := time.Parse(time.RFC3339Nano, found)
		if err != nil {
			return found
		}
		return at.In(r.zone).Format(momentLayout)
	})
}

// inChinese translates the sentences that package match makes of what was seen. What is
// none of them stays as it is.
func inChinese(evidence string) string {
	for _, s := range sentences {
		evidence = s.english.ReplaceAllString(evidence, s.chinese)
	}
	return codes.Replace(evidence)
}

type sentence struct {
	english *regexp.Regexp
	chinese string
}

// A number, an instant, and one record or several in words. What stands in brackets is how an
// operation stands, translated by codes.
const (
	num  = `(-?\d+)`
	when = `(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))`
	recs = `(R\[[^\]]*\])`
)

// sentences stand in the order in which they are looked for: records first, which others
// name.
var sentences = compileSentences([][2]string{
	{`a record of ` + num + ` points at ` + when, `R[$2 的 $1 积分记录]`},
	{num + ` records of ` + num + ` points together`, `R[共 $1 条、合计 $2 积分的记录]`},
	{`a record of ` + num + ` points`, `R[$1 积分的记录]`},
	{`not to be applied \((.*), ` + when + `\), and ` + recs + ` ends with its reference`, `不应入账（$1，$2），但$3 以其参考号结尾`},
	{`not to be applied \((.*)\), and ` + recs + ` with its reference`, `不应入账（$1），但$2 以其参考号结尾`},
	{`not ended here \((.*)\), and ` + recs + ` without a reference may be it`, `本账本尚未完成（$1），$2 没有参考号，可能即为此笔`},
	{`not ended here \((.*)\), and ` + recs + ` ends with its reference: `, `本账本尚未完成（$1），$2 以其参考号结尾：`},
	{`the worker goes on with it`, `系统会继续处理`},
	{`a person settles it`, `待人工确认入账`},
	{`posted at ` + when + `, outside of this window, and ` + recs + ` ends with its reference`, `于 $1 入账，不在本区间内，但$2 以其参考号结尾`},
	{num + ` posted of ` + num + ` points together, from ` + when + ` on, and ` + recs + ` without a reference of ours: any may be any`, `自 $3 起入账 $1 笔、合计 $2 积分；另有$4，均无本系统参考号：无法一一对应`},
	{`posted at ` + when + ` \((.*?)\)`, `于 $1 入账（$2）`},
	{` of ` + num + ` points, and ` + recs + ` with its reference`, `，$1 积分；而$2 以其参考号结尾`},
	{recs + ` end with its reference`, `$1 均以其参考号结尾`},
	{recs + ` ends with the reference of operation ` + num + `, which is of account (\S+)`, `$1 以操作 $2 的参考号结尾，该操作属于账户 $3`},
	{recs + ` ends with the reference of operation ` + num + `, which is of member (\S+) \((.*?)\)`, `$1 以操作 $2 的参考号结尾，该操作属于会员 $3（$4）`},
	{`; they are alike to the second: one row may stand there twice in what was read`, `；两条精确到秒均相同：读取内容中可能有一行重复`},
	{` and has no record there`, `，而该会员名下没有记录`},
	{recs + ` ends with a reference that this ledger has never issued`, `$1 的参考号并非本账本发出`},
	{recs + ` has no reference of ours and is no posting, and nothing else is to grant points here`, `$1 没有本系统参考号，也不对应任何入账，而该账户没有其他积分来源`},
	{`, and records may be shown as late as ` + when + `: read at ` + when, `；平台记录最迟于 $1 显示，读取时间为 $2`},
	{`; no record ends with its reference, and none without one has its points at that time`, `；没有记录以其参考号结尾，也没有无参考号的记录在相近时间有相同积分`},
	{`; no record has its points at that time; the account does not show references`, `；相近时间没有相同积分的记录；该账户不显示参考号`},
	{`; its reference is in no record, and ` + recs + ` without a reference of ours may be it`, `；没有记录含其参考号，$1 没有本系统参考号，可能即为此笔`},
	{`; the balance of ` + num + ` has ` + num + ` points that no record shows, and so these: the record is missing, and not the points`, `；余额 $1 中有 $2 积分没有记录，即为此笔：缺的是记录，而非积分`},
	{`the balance is ` + num + ` points, and the records lead to ` + num + `: neither they nor what is missing explain ` + num, `余额为 $1 积分，按记录推算为 $2：相差的 $3 无法由记录或缺失解释`},
	{`not ended: (.*)`, `尚未完成：$1`},
	{`R\[([^\]]*)\]`, `$1`},
})

func compileSentences(texts [][2]string) (all []sentence) {
	for _, t := range texts {
		all = append(all, sentence{regexp.MustCompile(t[0]), t[1]})
	}
	return all
}

// codes are how an operation stands, as a comparison writes it: evidence and causes with
// blanks.
var codes = strings.NewReplacer(codeWords()...)

func codeWords() (pairs []string) {
	say := func(code, chinese string) { pairs = append(pairs, strings.ReplaceAll(code, "_", " "), chinese) }
	say("given up by a person, then heard to be applied: ", "已由人工作废，后得知已入账：")
	say("given up by a person", "已由人工作废")
	say("by a person's word", "由人工确认")
	say("waits for the end of what it takes from", "等待原交易完成")
	say("parked in doubt: ", "存疑挂起：")
	say("parked: ", "已挂起：")
	say("on its way", "发送中")
	say("not ended", "尚未完成")
	for _, c := range []struct {
		code    ledger.Cause
		chinese string
	}{
		{ledger.CauseSettlingRefused, "结果无法写入"}, {ledger.CauseRefused, "平台拒绝"}, {ledger.CauseMemberUnresolved, "会员码无法识别"}, {ledger.CauseUnauthorised, "凭证被拒"},
		{ledger.CauseThrottled, "平台限流"}, {ledger.CauseSuspicious, "连续同类拒绝"}, {ledger.CauseNotSent, "未发出"}, {ledger.CauseRetryable, "平台要求重试"}, {ledger.CauseUnsendable, "无法生成请求"},
		{ledger.CauseUnknown, "结果未知"}, {ledger.CauseReturned, "未发送即退回"}, {ledger.CausePointsDiffer, "核对时积分不符"}, {ledger.CauseCandidates, "核对时有多条可能记录"},
		{ledger.CauseNoControl, "核对无法证明"}, {ledger.CauseLeaseExpired, "处理超时"}, {ledger.CauseAttemptsExhausted, "已达重试上限"}, {ledger.CauseKeyMemoryOver, "超过平台去重期限"},
		{ledger.CauseRebuilt, "由事件流重建"}, {ledger.CauseDatabaseChanged, "数据库曾丢失提交"}, {ledger.CauseOverBudget, "超出预算"}, {ledger.CauseNoVendorCall, "平台无此接口，需人工办理"}, {ledger.CauseReplayed, "已由人工放回"},
	} {
		say(string(c.code), c.chinese)
	}
	for _, e := range []struct {
		code    ledger.Evidence
		chinese string
	}{{ledger.Answered, "平台已应答"}, {ledger.AlreadyApplied, "平台称此前已入账"}, {ledger.Verified, "经平台记录核实"}, {ledger.Manual, "人工"}} {
		say(string(e.code), e.chinese)
	}
	say("in doubt", "存疑")
	say("held", "暂缓")
	return pairs
}
