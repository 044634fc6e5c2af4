package money

// Role is what an account of the accounting program is used for.
type Role string

// The roles, as they are named under accounts in a values file.
const (
	// Revenue is that of the sales, from which points' share is deferred.
	Revenue Role = "revenue"
	// ContractLiability is what was paid for points that are not redeemed.
	ContractLiability Role = "contract_liability"
	// PointsRevenue is that of redeemed points.
	PointsRevenue Role = "points_revenue"
	// PromotionExpense is what points cost that no sale paid for.
	PromotionExpense Role = "promotion_expense"
	// PointsPayable is what is owed for those.
	PointsPayable Role = "points_payable"
)

// Account is one of the accounting program's.
type Account struct{ Code, Name string }

// Chart has the account of every role.
type Chart map[Role]Account

// roles are all of them, with the accounts of the Chinese standard's chart (企业会计准则应用指南).
var roles = []struct {
	Role
	usual Account
}{
	{Revenue, Account{"6001", "主营业务收入"}},
	{ContractLiability, Account{"2204", "合同负债"}},
	{PointsRevenue, Account{"6001", "主营业务收入"}},
	{PromotionExpense, Account{"6601", "销售费用"}},
	{PointsPayable, Account{"2241", "其他应付款"}},
}

// UsualChart has the accounts of the Chinese standard's chart.
func UsualChart() Chart {
	chart := Chart{}
	for _, r := range roles {
		chart[r.Role] = r.usual
	}
	return chart
}

// Accounts are the chart's accounts by code, each once, in the order of the roles.
func (c Chart) Accounts() (accounts []Account, of map[string]Role) {
	of = map[string]Role{}
	for _, r := range roles {
		a := c[r.Role]
		if _, twice := of[a.Code]; !twice {
			accounts = append(accounts, a)
			of[a.Code] = r.Role
		}
	}
	return accounts, of
}
