package report

import (
	"pointsledger/ledger"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
)

// pick is the text of the report's language.
type pick func(english, chinese string) string

// sayCoverage are the words about what was compared, and of the page.
func (w *words) sayCoverage(say pick) {
	w.Compared = say("What was compared", "已比对的范围")
	w.CoverageShare = say("Share of the window's postings that were compared", "区间内已比对入账的比例")
	w.OnlyPartly = say("Only %s of the window's postings were compared: of the others this says nothing.", "区间内的入账仅比对了 %s，其余部分本报告不作结论。")
	w.CoverageNone = say("nothing of this window shows in records", "本区间没有会出现在平台记录中的入账")
	w.PostingsInWindow, w.PostingsCompared = say("Postings of the window that show in records", "区间内会出现在平台记录中的入账笔数"), say("Postings compared", "已比对入账笔数")
	w.NotCompared = say("Not compared, and why", "未比对部分及原因")
	w.WithoutRecords = say("Of kinds without records, as freezes: the vendor's answer stands", "平台不提供记录的业务（如冻结）：以平台的应答为准")
	w.BeyondReach = say("Not found, and the records do not reach back to them", "未找到，且平台记录未回溯到当时")
	w.MembersNotRead = say("Of members who were not asked for, or could not be read", "所属会员未被查询，或未能读取")
	w.MembersFailed = say("Members who could not be read", "未能读取的会员数")
	w.MembersRead, w.Records, w.NotOurs = say("Members read", "已读取会员数"), say("Records of the vendor", "平台记录数"), say("Records that are not ours: of another source, or spent", "非本系统的平台记录：其他来源或消费")
	w.Balances, w.Source = say("Balances compared", "已比对余额的会员数"), say("Records are from", "平台记录来源")
	w.FromVendor, w.FromFile, w.FromNone = say("the vendor's call", "平台接口"), say("the file %s", "文件 %s"), say("nowhere: the account offers none", "无：该账户不提供记录")
	w.ExportedAt, w.MembersAsked = say("Exported at", "导出时间"), say("Members asked for", "查询的会员范围")
	w.SoleSource, w.SoleSourceAbout = say("Only source of points", "唯一积分来源"), say("Somebody says that nothing else grants points at the account: a grant without a reference is a difference.", "已声明该账户没有其他积分来源：没有参考号的发放即为差异。")
	w.ShowsReferences, w.DoesNotShow = say("The records show references", "平台记录显示参考号"), say("no: pairs are proposals, by member, points and time", "否：仅能按会员、积分和时间建议匹配")
	w.MadeBy, w.Began, w.Ended, w.ReadAt = say("Made by", "对账人"), say("Begun", "开始时间"), say("Ended", "结束时间"), say("This report was made", "本报告生成时间")
	w.Method, w.Zone, w.Yes = say("Method", "方法"), say("Time zone", "时区"), say("yes", "是")
	w.OfPoints = say("%s points", "%s 积分")
	w.MethodReference = say("A record whose text ends with a posting's reference is that posting's. Nothing else closes a pair where references are shown.", "平台记录摘要以入账的参考号结尾的，即为该笔入账的记录。显示参考号时，仅凭参考号确认匹配。")
	w.MethodProposed = say("Where references are not shown, as many records as postings of equal points near in time are proposed as pairs. What cannot be told apart is one item.", "不显示参考号时，按会员、方向、积分和相近时间一一建议匹配；无法区分的合为一笔差异。")
	w.MethodItems = say("Every record and every posting is claimed at most once. What was explained once stays explained in later comparisons that find the same.", "每条记录、每笔入账至多使用一次。已解释的差异，在以后的对账中再次出现时仍视为已解释。")
	w.MethodTransit = say("Absence is said only of what the reading reaches back to, and of what must be shown by then.", "仅当读取范围足以回溯、且平台届时必定显示时，才认定为缺少记录。")
	w.MethodZero = say("The sides of all pairs and items, but balances, add up to the totals: the difference of the totals is that of the items.", "除余额差异外，所有匹配与差异两边之和等于总额：总差额即各项差异之和。")
	w.MethodTrial = say("In this workbook totals are formulas over their rows: change a row, and the total moves.", "本工作簿的合计均为对明细行的公式：改动一行，合计随之变化。")
	w.Ledger, w.Vendor, w.FirstRows = say("Ledger", "账本"), say("Vendor", "平台"), say("The first %s of %s rows; the workbook and the CSV files have all.", "仅列出前 %s 行，共 %s 行；工作簿和 CSV 文件中有全部。")
	w.NoRows, w.NoDay, w.PageOf = say("There is none.", "无。"), say("time unknown", "时间未知"), say("Page &P of &N", "第 &P 页，共 &N 页")
	w.PerDay, w.PerMonth = say("points per day", "每日积分"), say("points per month", "每月积分")
}

// sayLists are the words for closed lists of codes.
func (w *words) sayLists(say pick) {
	w.Kinds = map[match.Kind]string{
		match.OnlyInLedger: say("Only in the ledger", "仅账本有"), match.OnlyAtVendor: say("Only at the vendor", "仅平台有"), match.AmountDiffers: say("Other points", "积分数不符"),
		match.AppliedTwice: say("Applied more than once", "重复入账"), match.WrongMember: say("Another member", "会员不符"), match.Ambiguous: say("Cannot be told apart", "无法区分"),
		match.VoidedButApplied: say("Given up, and applied", "已作废却入账"), match.BalanceDiffers: say("Balance differs", "余额不符"), match.InTransit: say("In transit", "在途"),
	}
	w.KindsAbout = map[match.Kind]string{
		match.OnlyInLedger:     say("Posted here, due to be shown, and no record can be it.", "账本已入账且平台应当显示，但没有对应记录。"),
		match.OnlyAtVendor:     say("A record with a reference that this ledger never issued, or, where nothing else grants points, without one.", "平台记录的参考号并非本账本发出；或在唯一积分来源的账户中没有参考号。"),
		match.AmountDiffers:    say("The record of its reference has other points.", "参考号对应的平台记录积分数不同。"),
		match.AppliedTwice:     say("More than one record of its reference.", "同一参考号有多条平台记录。"),
		match.WrongMember:      say("The record of its reference is another member's.", "参考号对应的平台记录属于另一会员。"),
		match.Ambiguous:        say("Any of these postings may be any of these records: one item for all of them, and its sums are exact.", "这些入账与这些记录之间无法一一对应：合为一笔，其合计准确。"),
		match.VoidedButApplied: say("Given up by a person, and there is a record of its reference.", "已由人工作废，但平台有其参考号的记录。"),
		match.BalanceDiffers:   say("The balance has points that neither records nor items explain. Ledger points are here what the records lead to, vendor points the balance.", "余额中有记录和差异均无法解释的积分。此处账本积分为记录推算值，平台积分为余额。"),
		match.InTransit:        w.TransitAbout,
	}
	w.Steps = map[match.Step]string{
		match.StepAskVendor: say("Ask the vendor what became of it", "向平台查询"), match.StepSettle: say("Settle it: the records show it", "记录已显示，由人工确认入账"),
		match.StepSend: say("Put it back and send it, or give it up", "重新发送，或作废"), match.StepWait: say("Nothing: it goes on by itself", "无需处理，会自动继续"),
		match.StepShow: say("Look at the operation; if this record is it, explain the item", "查看该操作；若即为此记录，请写明解释"), match.StepTakeBack: say("Take the points back at the vendor", "在平台扣回多发积分"),
		match.StepByHand: say("A person does it in the vendor's back office", "由人工在平台后台办理"),
		match.StepMove:   say("Have the vendor move the points to the right member", "请平台将积分转给正确会员"),
	}
	w.Hows = map[match.How]string{match.ByReference: say("by reference", "按参考号"), match.Proposed: say("proposed", "建议")}
	w.Choices = map[runs.Choice]string{
		runs.Changed: say("those with a movement in the window", "区间内有变动的会员"), runs.All: say("all", "全部会员"),
		runs.Sample: say("a sample", "抽样会员"), runs.List: say("those named", "指定会员"),
	}
	w.Whys = map[string]string{
		onItsWay: say("on its way", "发送中"), held: say("held until it is due", "暂缓，未到期"), string(ledger.CauseOverBudget): say("over budget: a person decides", "超出预算，待人工决定"),
		string(ledger.Parked): say("parked: a person decides", "已挂起，待人工决定"), inDoubt: say("in doubt: may have arrived", "存疑：可能已入账"),
		byHand: say("to be done by hand at the vendor", "待人工在平台办理"), waitsForOrigin: say("waits for what it takes from", "等待原交易完成"),
		lost: say("LOST: no row to send it", "丢失：没有待发送记录"), givenUp: say("given up by a person", "已由人工放弃"),
	}
	w.Ages = map[string]string{
		underHour: say("under 1 hour", "不足 1 小时"), underDay: say("1 to 24 hours", "1 至 24 小时"), underWeek: say("1 to 7 days", "1 至 7 天"),
		underMonth: say("7 to 30 days", "7 至 30 天"), older: say("30 days or more", "30 天及以上"),
	}
	w.Places = map[string]string{
		"issued": say("issued (promised)", "已承诺"), pendingPlace: say("not ended", "待入账"), "credited": say("credited", "已入账"), "vendor_balance": say("vendor balance (taken to be frozen)", "平台余额（转入冻结）"),
		"frozen": say("frozen", "已冻结"), "spent": say("spent", "已核销"),
	}
	w.Verbs = map[ledger.Kind]string{
		ledger.PointsAdd: say("grant", "发放"), ledger.PointsDeduct: say("take back", "扣回"), ledger.FreezePoint: say("freeze", "冻结"), ledger.UnfreezePoint: say("release", "解冻"),
		ledger.ConsumeFrozen: say("spend frozen", "核销冻结"),
	}
}
