package report

import (
	"pointsledger/ledger"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
)

// Lang is the language of a report.
type Lang string

// The languages.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// Langs are all of them.
func Langs() []Lang { return []Lang{English, Chinese} }

// words are all words of a report but what it quotes. Those with % are formats, whose
// verbs are in one order in both languages.
type words struct {
	// of the report
	Title, AllAccounts, Account, Window, To, Made, RunNo, Masked, Colon              string
	MustBeZero, IsZero, IsNotZero, OnlyPartly, Apart, WhatZeroMeans                  string
	Summary, Trial, Matched, InTransit, Held, Owed, Days, Coverage, NotRead, Without string
	// of the bridge from pairs to the difference
	Bridge, BridgeAbout, ByReference, Proposed, Sum, AsCounted, Check, CheckAbout string
	KindsTitle, NotInSums                                                         string
	AgesTitle, HeldTitle, OwedTitle, DaysTitle, OpenItems, OpenAmount             string
	// of columns
	What, Count, LedgerPoints, VendorPoints, Difference, Unexplained, UnexplainedItems, OpenPoints       string
	No, Member, Order, At, Seen, ToDo, Owner, Note, Explained, ExplainedBy, ExplainedAt, ExplainedWhy    string
	Reference, Operation, BizID, PostedAt, RecordAt, RecordText, How, Kind, Why, Age, Points, Operations string
	Shop, Channel, SourceType, Place, Opening, Movement, Closing, Day, HeldUntil, RecordedAt, Oldest     string
	BusinessDate, GivenUpAt, Confirmed, Status, Words, Total                                             string
	// of sheets
	MatchedAbout, TransitAbout, HeldAbout, OwedAbout, TrialAbout, DaysAbout, NotReadAbout, WithoutAbout string
	// of coverage and method
	Compared, CoverageShare, CoverageNone, PostingsInWindow, PostingsCompared, NotCompared, WithoutRecords, BeyondReach, MembersNotRead, MembersFailed string
	MembersRead, Records, NotOurs, Balances, Source, FromVendor, FromFile, FromNone, ExportedAt, MembersAsked, SoleSource, SoleSourceAbout             string
	ShowsReferences, DoesNotShow, MadeBy, Began, Ended, ReadAt, Method, Zone, Yes, OfPoints                                                            string
	MethodReference, MethodProposed, MethodItems, MethodTransit, MethodZero, MethodTrial                                                               string
	// of the page
	Ledger, Vendor, FirstRows, NoRows, NoDay, PageOf, PerDay, PerMonth string

	// of closed lists
	Kinds, KindsAbout map[match.Kind]string
	Steps             map[match.Step]string
	Hows              map[match.How]string
	Choices           map[runs.Choice]string
	Whys, Ages        map[string]string
	Places            map[string]string
	Verbs             map[ledger.Kind]string
}

// The codes that the database has beside those of other packages.
const (
	held, inDoubt, waitsForOrigin, byHand, onItsWay, lost, givenUp = "held", "in_doubt", "waits_for_origin", "by_hand", "on_its_way", "lost", "given_up"

	underHour, underDay, underWeek, underMonth, older = "under_1h", "under_1d", "under_7d", "under_30d", "older"
)

// ages are the groups of age, the youngest first.
var ages = []string{underHour, underDay, underWeek, underMonth, older}

// wordsOf are the words in a language: here each stands in both.
func wordsOf(lang Lang) *words {
	say := func(english, chinese string) string {
		if lang == Chinese {
			return chinese
		}
		return english
	}
	w := &words{
		Title: say("Reconciliation with the vendor", "积分对账报告"), AllAccounts: say("all accounts", "全部账户"), Account: say("Account", "账户"),
		Window: say("Window", "对账区间"), To: say("to", "至"), Made: say("Made", "生成时间"), RunNo: say("Run", "对账编号"), Colon: say(": ", "："),
		Masked:     say("Mobile numbers in member ids are masked.", "会员编号中的手机号已脱敏。"),
		MustBeZero: say("Unexplained items (must be 0)", "未解释差异笔数（必须为 0）"), IsZero: say("Nothing is unexplained.", "没有未解释的差异。"),
		IsNotZero: say("Not zero yet: each item is listed below.", "尚未为零：每一笔均列于下方。"),
		Apart:     say("Points by which they differ", "其两边相差积分"),
		WhatZeroMeans: say("An item is a difference that nobody has explained. Points are those by which its sides differ, without a sign: two differences never cancel each other. Points with another member differ by none, and are an item all the same.",
			"每一笔差异，在有人写明解释之前均计入。积分为账本与平台两边之差的绝对值之和，不同差异不会互相抵消；积分记到另一会员名下时两边虽相等，仍为一笔差异。"),
		Summary: say("Summary", "汇总"), Trial: say("Trial balance", "试算平衡表"), Matched: say("Matched", "已匹配"), InTransit: say("In transit", "在途"),
		Held: say("Held and stuck", "暂缓与待处理"), Owed: say("To be taken back", "待扣回"), Days: say("By day", "按日"), Coverage: say("Coverage and method", "覆盖范围与方法"),
		Without: say("Without records", "无平台记录"), NotRead: say("Members not read", "未能读取的会员"),

		Bridge:      say("From pairs to the difference", "从匹配到差异"),
		BridgeAbout: say("Signed: below zero when more was taken than given.", "带正负号：扣减多于发放时为负。"),
		ByReference: say("Matched by reference", "按参考号匹配"), Proposed: say("Matched by member, points and time", "按会员、积分和时间匹配（建议）"),
		Sum: say("Sum", "合计"), AsCounted: say("As the comparison counted it", "对账时的合计"), Check: say("Check (must be 0)", "核对（必须为 0）"),
		CheckAbout: say("The check is the sum less what the comparison counted. Anything else than 0: rows were edited, here or in the database.", "核对为合计减去对账时的合计。不为 0 表示行被改动（本表或数据库）。"),
		OpenItems:  say("Open items", "未解释笔数"), OpenAmount: say("Open points", "未解释积分"),
		KindsTitle: say("Differences by kind", "差异分类"), NotInSums: say("%s (not in the sums)", "%s（不计入合计）"),
		AgesTitle: say("In transit, by age", "在途（按账龄）"), HeldTitle: say("Held and stuck, by reason", "暂缓与待处理（按原因）"),
		OwedTitle: say("To be taken back, by reason", "待扣回（按原因）"), DaysTitle: say("Movement per day", "每日积分变动"),

		What: say("What", "项目"), Count: say("Count", "笔数"), LedgerPoints: say("Ledger points", "账本积分"),
		VendorPoints: say("Vendor points", "平台积分"), Difference: say("Difference", "差额"), Unexplained: say("Unexplained points", "未解释积分"),
		UnexplainedItems: say("Unexplained items", "未解释笔数"), OpenPoints: say("To be moved", "待入账积分"),
		No: say("Item", "编号"), Member: say("Member", "会员"), Order: say("Order", "订单"), At: say("At", "时间"), Seen: say("What was seen", "发现的情况"), ToDo: say("What to do", "处理建议"),
		Owner: say("Owner", "负责人"), Note: say("Note", "备注"), ExplainedBy: say("Explained by", "解释人"), Explained: say("Explained items", "已解释笔数"), ExplainedAt: say("Explained at", "解释时间"), ExplainedWhy: say("Why", "解释原因"),
		Reference: say("Reference", "参考号"), Operation: say("Operation", "操作编号"), BizID: say("bizId", "bizId（业务流水号）"), PostedAt: say("Posted at", "入账时间"), RecordAt: say("Recorded at the vendor", "平台记录时间"),
		RecordText: say("Text of the record", "平台记录摘要"), How: say("Matched", "匹配方式"), Kind: say("Movement", "业务类型"), Why: say("Why", "原因"), Age: say("Age", "账龄"), Points: say("Points", "积分"),
		Operations: say("Operations", "笔数"), Shop: say("Shop", "门店"), Channel: say("Channel", "渠道"), SourceType: say("Source type", "来源类型"), Place: say("Account of the books", "科目"),
		Opening: say("Opening", "期初"), Movement: say("Movement", "本期变动"), Closing: say("Closing", "期末"), Day: say("Day", "日期"), HeldUntil: say("Held until", "暂缓至"),
		RecordedAt: say("Accepted at", "受理时间"), Oldest: say("Oldest", "最早受理时间"), BusinessDate: say("Business date", "业务日期"), GivenUpAt: say("Given up at", "放弃时间"),
		Confirmed: say("Confirmed by", "确认依据"), Status: say("HTTP", "HTTP 状态"), Words: say("What happened", "情况"), Total: say("Total", "合计"),

		MatchedAbout: say("Each posting of the window with the one record that is its own.", "区间内每一笔入账及与其对应的唯一一条平台记录。"),
		TransitAbout: say("Not ended when the comparison was made, or posted too lately to be shown: no difference. Age is up to the comparison.", "对账时尚未完成，或入账时间太近平台尚未显示：不算差异。账龄计算到对账时。"),
		HeldAbout:    say("Accepted up to the end of the window, and neither ended nor on its way when this report was made.", "截至区间末已受理、生成本报告时既未完成也未在发送中的积分。"),
		OwedAbout:    say("What refunds and cancellations are to take back or release and have not, when this report was made. Given up: the member keeps it.", "退款和取消应扣回或应解冻、生成本报告时尚未完成的积分。已放弃：由会员保留。"),
		TrialAbout:   say("As of the beginning and the end of the window. Each column adds up to 0 by construction: no entry has one side only. It does not show that no row was edited.", "区间期初与期末的余额。按记账规则每列合计恒为 0，说明没有单边分录；但不能证明数据未被改动。"),
		DaysAbout:    say("Ledger by when it was posted, vendor by its records, of all that was compared.", "账本按入账日期，平台按记录日期；仅含已比对的部分。"),
		WithoutAbout: say("Confirmed in the window, of kinds that show in no records, as freezes: each rests on the vendor's answer and was compared with nothing.", "区间内已确认、但平台不提供记录的业务（如冻结）：仅以平台的应答为准，未与任何记录比对。"),
		NotReadAbout: say("Members whose records could not be read: nothing of theirs was compared.", "未能读取其平台记录的会员：其积分未参与比对。"),
	}
	w.sayCoverage(say)
	w.sayLists(say)
	return w
}
