package zhimai

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"pointsledger/vendorapi"
)

func answerData(data string) string {
	return `{"status":"true","code":"0","message":"","data":` + data + `}`
}

func ptr(n int64) *int64 { return &n }

func TestPointsRecordsShapes(t *testing.T) {
	t.Parallel()
	one := []Record{{Type: Awarded, Points: 5, Desc: "签到", CreatedAt: "2026-11-20 12:00:00"}}
	const item = `{"type":"1","created_at":"2026-11-20 12:00:00","points":"5","source_desc":"签到"}`
	tests := []struct {
		name, data string
		page, size int
		want       []Record
		more       bool
	}{
		{"shape A", `{"current_page":2,"per_page":10,"last_page":3,"total":21,"item_list":[{"previous_point":"100","type":2,
			"sub_type":"1","sub_name":"券","points":-7,"desc":"兑换","created_at":"2026-11-20 12:00:00","change_text":"-7"}]}`, 2, 10,
			[]Record{{Type: Spent, SubType: 1, SubName: "券", Points: -7, PreviousPoint: ptr(100), Desc: "兑换",
				CreatedAt: "2026-11-20 12:00:00", ChangeText: "-7"}}, true},
		{"shape A, last page in strings", `{"current_page":"3","last_page":"3","item_list":[` + item + `]}`, 3, 1, one, false},
		{"shape A, placeholders", `{"current_page":"","per_page":"","last_page":"","total":"","item_list":[` + item + `]}`, 1, 10, one, false},
		{"shape B", `{"data":{"item_list":[` + item + `]}}`, 1, 10, one, false},
		{"shape B, full page", `{"data":{"item_list":[` + item + `]}}`, 1, 1, one, true},
		{"shape B, paging outside", `{"last_page":2,"data":{"item_list":[` + item + `]}}`, 1, 10, one, true},
		{"total and per_page", `{"per_page":1,"total":2,"item_list":[` + item + `]}`, 1, 10, one, true},
		{"total and per_page, at the end", `{"per_page":1,"total":2,"item_list":[` + item + `]}`, 2, 10, one, false},
		{"list with gaps in its keys", `{"item_list":{"3":` + item + `}}`, 1, 10, one, false},
		{"points with zero cents", `{"item_list":[` + strings.Replace(item, `"5"`, `5.00`, 1) + `]}`, 1, 10, one, false},
		{"no records", `[]`, 1, 10, nil, false},
		{"no records, spaced", `[ ]`, 1, 10, nil, false},
		{"no records in data.data", `{"data":[]}`, 1, 10, nil, false},
		{"no records in item_list", `{"current_page":0,"last_page":0,"total":0,"item_list":[]}`, 1, 10, nil, false},
	}
	for _, test := range tests {
		v := newVendor(t, 200, answerData(test.data))
		page, reply := newTestClient(t, testConfig(v.URL)).PointsRecords(t.Context(), RecordsQuery{UserID: "1", Page: test.page, PageSize: test.size})
		if reply.Outcome != vendorapi.Applied || reply.Err != nil {
			t.Errorf("%s: %+v", test.name, reply)
			continue
		}
		if len(page.Records) != len(test.want) || len(test.want) > 0 && !reflect.DeepEqual(page.Records, test.want) || page.HasMore != test.more {
			t.Errorf("%s: %+v, want %+v, more %v", test.name, page, test.want, test.more)
		}
	}
}

// An unreadable history must never pass for an empty one: "not found" there can
// make the worker send again.
func TestPointsRecordsUnreadable(t *testing.T) {
	t.Parallel()
	list := func(item string) string { return `{"item_list":[` + item + `]}` }
	for name, data := range map[string]string{
		"data null":            `null`,
		"data a string":        `""`,
		"data an empty object": `{}`,
		"data records itself":  `[{"type":1,"points":5}]`,
		"item_list null":       `{"item_list":null,"total":0}`,
		"item_list a string":   `{"item_list":""}`,
		"item_list an object":  `{"item_list":{"type":1}}`,
		"item_list {}":         `{"item_list":{}}`,
		"data.data null":       `{"data":null}`,
		"data.data.data":       `{"data":{"data":{"item_list":[]}}}`,
		"record a string":      list(`"x"`),
		"record null":          list(`null`),
		"no points":            list(`{"type":1}`),
		"points empty":         list(`{"type":1,"points":""}`),
		"no type":              list(`{"points":1}`),
		"half a point":         list(`{"type":1,"points":0.5}`),
		"exponent":             list(`{"type":1,"points":1e3}`),
		"points out of range":  list(`{"type":1,"points":9223372036854775808}`),
		"points in words":      list(`{"type":1,"points":"five"}`),
		"another page":         `{"current_page":1,"item_list":[{"type":1,"points":1}]}`,
		"empty page, another":  `{"current_page":1,"item_list":[]}`,
	} {
		v := newVendor(t, 200, answerData(data))
		page, reply := newTestClient(t, testConfig(v.URL)).PointsRecords(t.Context(), RecordsQuery{UserID: "1", Page: 2})
		if reply.Outcome != vendorapi.Unknown || reply.Err == nil || page.Records != nil {
			t.Errorf("%s: %+v, %+v", name, page, reply)
		}
	}
	v := newVendor(t, 200, `{"status":true,"code":0}`)
	if _, reply := newTestClient(t, testConfig(v.URL)).PointsRecords(t.Context(), RecordsQuery{UserID: "1"}); reply.Outcome != vendorapi.Unknown {
		t.Errorf("data absent: %+v", reply)
	}
	v = newVendor(t, 200, `{"status":true,"code":"1001"}`)
	if _, reply := newTestClient(t, testConfig(v.URL)).PointsRecords(t.Context(), RecordsQuery{UserID: "1"}); reply.Outcome != vendorapi.Refused {
		t.Errorf("refused: %+v", reply)
	}
}

// pagingVendor holds total records and pages them, at most cap a page (0: as
// asked), in either shape.
func pagingVendor(t *testing.T, total, sizeCap int, shapeB bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var page, size int
		text := string(body[strings.Index(string(body), `"page_size"`):])
		_, _ = fmt.Sscanf(text, `"page_size":"%d","page":"%d"`, &size, &page)
		if sizeCap > 0 && size > sizeCap {
			size = sizeCap
		}
		var items []string
		for i := (page - 1) * size; i < min(page*size, total); i++ {
			items = append(items, fmt.Sprintf(`{"type":1,"points":%d}`, i))
		}
		list := `"item_list":[` + strings.Join(items, ",") + `]`
		data := fmt.Sprintf(`{"current_page":%d,"per_page":%d,"last_page":%d,"total":%d,%s}`, page, size, (total+size-1)/size, total, list)
		if shapeB {
			data = `{"data":{` + list + `}}`
		}
		_, _ = io.WriteString(w, answerData(data))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestReadHistoryOfEveryLength(t *testing.T) {
	t.Parallel()
	for _, total := range []int{0, 1, 9, 10, 11, 20, 50, 101} {
		for _, shapeB := range []bool{false, true} {
			for _, size := range []int{0, 10, 50} {
				// 20: the vendor gives fewer than asked and does not say so.
				c := newTestClient(t, testConfig(pagingVendor(t, total, 20, shapeB)))
				got, reply := c.ReadHistory(t.Context(), "1", size, 20)
				if reply.Outcome != vendorapi.Applied || len(got.Records) != total || got.Partial || got.Moving {
					t.Fatalf("total %d, shape B %v, size %d: %d records, %+v", total, shapeB, size, len(got.Records), reply)
				}
				for i, record := range got.Records {
					if record.Points != int64(i) {
						t.Fatalf("total %d: record %d is %d", total, i, record.Points)
					}
				}
			}
		}
	}
}

const identityParts = `"user_wealth_info":{"gift_amount":"100","recharge_amount":2000,"total_amount":"2100"},"multi_store_id":"0",` +
	`"is_open_points_pay":1,"pay_rule":{"points_num_type":"1","points_num":0.01,"exchange_astrict":"20"}`

func TestIdentity(t *testing.T) {
	t.Parallel()
	const user = `"id":383933091455959041,"nickname":"小王","username":"wang","mobile":"13800000000","status":"1","user_points":"250",` +
		`"user_coupons":[{"coupon_id":7,"title":"券","status":0,"start_at":"a","end_at":"b","verify_code":"v","amount":9.5,"desc":"d"}]`
	yes := true
	want := Identity{
		UserID: testMember, Nickname: "小王", Username: "wang", Mobile: "13800000000", Status: ptr(1), Points: ptr(250),
		Coupons:      []Coupon{{ID: "7", Title: "券", Status: "0", StartAt: "a", EndAt: "b", VerifyCode: "v", Amount: "9.5", Desc: "d"}},
		Wealth:       &Wealth{GiftFen: ptr(100), RechargeFen: ptr(2000), TotalFen: ptr(2100)},
		MultiStoreID: "0", PointsPay: &yes, PayRule: &PayRule{NumType: ptr(1), Num: "0.01", MaxPercent: ptr(20)},
	}
	for name, data := range map[string]string{
		"inside user_info": `{"user_info":{` + user + `,` + identityParts + `}}`,
		"beside user_info": `{"user_info":{` + user + `},` + identityParts + `}`,
	} {
		v := newVendor(t, 200, answerData(data))
		got, reply := newTestClient(t, testConfig(v.URL)).Identity(t.Context(), IdentityQuery{Type: ByUserID, UserID: testMember})
		if reply.Outcome != vendorapi.Applied || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\n got %+v\nwant %+v", name, reply, got, want)
		}
	}
}

func TestIdentityBorders(t *testing.T) {
	t.Parallel()
	const ok, unknown, refused = vendorapi.Applied, vendorapi.Unknown, vendorapi.Refused
	tests := []struct {
		name, data string
		want       vendorapi.Outcome
		id         string
	}{
		{"bare", `{"user_info":{"id":"007"}}`, ok, "007"},
		{"PHP's empty parts", `{"user_info":{"id":"1","status":"","user_coupons":"","user_wealth_info":[],"pay_rule":[],"is_open_points_pay":""}}`, ok, "1"},
		{"32 digits", `{"user_info":{"id":"` + strings.Repeat("9", 32) + `"}}`, ok, strings.Repeat("9", 32)},
		{"33 digits", `{"user_info":{"id":"` + strings.Repeat("9", 33) + `"}}`, unknown, ""},
		{"id as a float", `{"user_info":{"id":3.8e17}}`, unknown, ""},
		{"id empty", `{"user_info":{"id":""}}`, refused, ""},
		{"id absent", `{"user_info":{}}`, refused, ""},
		{"id null", `{"user_info":{"id":null,"status":1}}`, refused, ""},
		{"id negative", `{"user_info":{"id":-1}}`, refused, ""},
		{"id 0", `{"user_info":{"id":0,"nickname":"","user_points":0}}`, refused, ""},
		{"id 0 in quotes", `{"user_info":{"id":"0"}}`, refused, ""},
		{"id 000", `{"user_info":{"id":"000"}}`, refused, ""},
		{"id 0.0", `{"user_info":{"id":0.0}}`, refused, ""},
		{"id null in quotes", `{"user_info":{"id":"null"}}`, refused, ""},
		{"id a word", `{"user_info":{"id":"guest"}}`, refused, ""},
		{"id false", `{"user_info":{"id":false}}`, refused, ""},
		{"user_info absent", `{"status":1}`, refused, ""},
		{"nobody", `[]`, refused, ""},
		{"nobody in user_info", `{"user_info":[]}`, refused, ""},
		{"data null", `null`, unknown, ""},
		{"user_info null", `{"user_info":null}`, refused, ""},
		{"points in words", `{"user_info":{"id":"1","user_points":"many"}}`, unknown, ""},
		{"odd truth", `{"user_info":{"id":"1","is_open_points_pay":2}}`, unknown, ""},
		{"coupons of texts", `{"user_info":{"id":"1","user_coupons":["x"]}}`, unknown, ""},
		{"wealth in words", `{"user_info":{"id":"1","user_wealth_info":{"gift_amount":"x"}}}`, unknown, ""},
		{"rule of lists", `{"user_info":{"id":"1","pay_rule":{"points_num":[]}}}`, unknown, ""},
	}
	for _, test := range tests {
		v := newVendor(t, 200, answerData(test.data))
		got, reply := newTestClient(t, testConfig(v.URL)).Identity(t.Context(), IdentityQuery{Type: ByUserCode, UserCode: "9"})
		if reply.Outcome != test.want || got.UserID != test.id || (reply.Err != nil) == (test.want == ok) {
			t.Errorf("%s: %+v, %+v", test.name, got, reply)
		}
		if errors.Is(reply.Err, vendorapi.ErrNoMember) != (test.want == refused) {
			t.Errorf("%s: %v", test.name, reply.Err)
		}
	}
	frozen := Identity{Status: ptr(0)}
	if !frozen.Frozen() || (Identity{Status: ptr(1)}).Frozen() || (Identity{}).Frozen() {
		t.Error("frozen is status 0 and nothing else")
	}
}

func TestMyCards(t *testing.T) {
	t.Parallel()
	const card = `{"id":100200300400500600700,"gift_card_id":"9","gift_title":"礼品卡","par_value":"88.50","cover":"c","expired_desc":"e",
		"deduct_amount":100,"bind_status":"1","beginAt":"b","endAt":"n","createdAt":"t","status_desc":"s","status":"4","validType":2,"isErp":0}`
	want := GiftCard{
		ID: "100200300400500600700", GiftCardID: "9", Title: "礼品卡", ParValue: "88.50", Cover: "c", ExpiredDesc: "e", DeductAmount: "100",
		BindStatus: "1", BeginAt: "b", EndAt: "n", CreatedAt: "t", StatusDesc: "s", Status: 4, ValidType: 2, IsERP: "0",
	}
	tests := []struct {
		name, data string
		outcome    vendorapi.Outcome
		want       []GiftCard
	}{
		{"one", `[` + card + `]`, vendorapi.Applied, []GiftCard{want}},
		{"list with gaps in its keys", `{"0":` + card + `,"2":` + card + `}`, vendorapi.Applied, []GiftCard{want, want}},
		{"none", `[]`, vendorapi.Applied, []GiftCard{}},
		{"null", `null`, vendorapi.Unknown, nil},
		{"object", `{"cards":[]}`, vendorapi.Unknown, nil},
		{"card of text", `["x"]`, vendorapi.Unknown, nil},
		{"status in words", `[{"id":1,"status":"bound"}]`, vendorapi.Unknown, nil},
	}
	for _, test := range tests {
		v := newVendor(t, 200, answerData(test.data))
		got, reply := newTestClient(t, testConfig(v.URL)).MyCards(t.Context(), "1", false)
		if reply.Outcome != test.outcome || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %+v", test.name, got, reply)
		}
		if !strings.Contains(string(v.got), `"needCycleCard":"0"`) {
			t.Errorf("%s: sent %s", test.name, v.got)
		}
	}
}
